/**
 * Does an answer open with doubt about itself? Only what is plainly about the answer's own certainty: "might" and "perhaps" are
 * part of many good answers. All expressions are anchored and bounded.
 */
const opens: readonly RegExp[] = [
  // An opinion in polite words ("I'm not sure I would call it …") is no doubt about facts.
  /^(?:(?:hm+|well|honestly|to be honest)[,. ]+)?(?:i'm|i am) (?:not (?:entirely |completely |totally |100% |really |quite |too |very |absolutely |exactly )?(?:sure|certain|confident)(?! (?:i|we|that) (?:would|'d|want|agree|like)\b)|unsure|uncertain)\b|^i (?:don't|do not) (?:really )?know(?: for (?:sure|certain))?[,.]|^(?:i'm|i am) (?:just )?guessing|^i (?:may|might|could) be (?:wrong|mistaken)|^if i (?:remember|recall) correctly|^my best guess\b|^(?:as|so) far as i (?:know|remember|can tell)\b/,
  /^ich bin (?:mir )?(?:da |leider )?(?:nicht (?:ganz |völlig |wirklich )?|un)sicher|^(?:soweit|soviel) ich weiß|^ich weiß (?:es |das )?(?:leider )?nicht (?:genau|sicher)/,
  /^je (?:ne suis pas|n'en suis pas) (?:tout à fait |totalement |vraiment |entièrement )?(?:sûre?|certaine?)(?=[ ,.])|^si je ne me trompe|^sauf erreur/,
  /^no (?:estoy (?:del todo |completamente |muy )?segur[oa]|lo sé con certeza)|^si no me equivoco|^si mal no recuerdo/,
  /^(?:eu )?não (?:tenho (?:a )?(?:certeza|a certeza)|estou cert[oa])|^(?:se não me engano|posso estar enganad[oa])/,
  /^non (?:sono|ne sono) (?:del tutto |completamente |molto )?(?:sicur[oa]|cert[oa])|^se non (?:sbaglio|ricordo male)|^potrei sbagliar/,
  /^ik (?:weet het niet (?:zeker|precies)|ben (?:er )?niet (?:helemaal )?zeker)|^(?:voor )?zover ik weet/,
  /^nie (?:jestem|mam) (?:do końca |całkowicie |całkiem )?(?:pewien|pewna|pewności)|^o ile (?:wiem|pamiętam)|^mogę się mylić/,
  /^я (?:не (?:совсем |до конца |вполне )?(?:уверена?)|могу ошибаться|точно не знаю)|^(?:если не ошибаюсь|насколько (?:я знаю|мне известно)|могу ошибаться|не уверена?(?=[ ,.]))/iu,
  /^(?:確か|確実|正確)では(?:ありません|ない)|^(?:正確|はっきり)に?(?:は|と)?(?:わかりません|分かりません)|^自信(?:は|が)(?:ありません|ない)/,
  /^我(?:也)?(?:不太|并不|不是很|不能|不完全|不)(?:确定|肯定)(?=[，。,. ]|是否|这|该)/,
  /^(?:정확하지|확실하지)(?:는)? ?않지만|^(?:정확히|확실히)(?:는)? (?:모르|잘 모르)/,
  /^(?:أنا )?لست متأكد[ا\u064b]*ة?|^لا أعرف على وجه (?:اليقين|الدقة)/u,
  /^मुझे (?:पक्का|ठीक से|पूरा यकीन|यकीन|निश्चित रूप से)[^।.!?]{0,12} नहीं/u,
  /^(?:bundan |tam olarak |çok )?emin değilim/,
]

/** First words of what `opens` finds, beside those with which a refusal begins. */
export const wordsOfDoubt: readonly string[] =
  'if so far soweit soviel si sauf eu se posso non potrei voor zover o mogę я если насколько могу не أنا لست لا मुझे bundan tam çok emin'.split(
    ' ',
  )

/** `text` as `openingOf` makes it. */
export function isHedging(text: string): boolean {
  return opens.some((open) => open.test(text))
}
