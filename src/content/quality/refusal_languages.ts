/**
 * Declining in languages beyond the first ones: the words with which it begins, and its forms. As in `refusal_phrases.ts`, all
 * expressions are anchored and bounded. `\b` knows ASCII letters only, so that words end at spaces here.
 */
import { type Declining, declining } from './refusal_phrases.ts'

export const moreLanguages: readonly Declining[] = [
  declining(
    'me no prefiero',
    /^(?:me temo que )?(?:no voy a|prefiero no) (?:escribir|ayudar|crear|generar|redactar|responder|participar|dar(?:te|le)? (?:instrucciones|información))|^me temo que no puedo (?:ayudar|facilitar|proporcionar|ofrecer|responder|dar|crear|escribir|compartir)/,
  ),
  declining(
    'je',
    /^je (?:préfère ne pas|ne vais pas|ne souhaite pas) (?:vous |t')?(?:aider|rédiger|écrire|répondre|fournir|créer|générer|produire|participer)/,
  ),
  declining(
    'nein dazu dafür hierzu',
    /^(?:nein[,.] )?(?:dazu|dafür|hierzu) (?:gebe|schreibe|erstelle|liefere|leiste) ich (?:ihnen |dir )?(?:keine|nichts)/,
  ),
  declining(
    'het sorry helaas ik dat daar hier als',
    /^(?:het spijt me(?: zeer)?|sorry|helaas|als [^,.]{2,50})?[,.:;! -]*(?:maar )?(?:(?:daar|dat|dit|hier|deze [a-z]+)(?:mee|bij|aan|op)? (?:kan|mag|wil|zal) ik|(?:kan|mag) ik|ik (?:kan|mag|wil|zal|ben))\b[^.!?]{0,60}?(?:\bniet (?:bij |mee |op )?(?:helpen|delen|beantwoorden|ingaan|verstrekken|schrijven|maken|geven|doen|uitvoeren|in staat om)|\bgeen (?:instructies|informatie|hulp|antwoord|gegevens|advies|uitleg)|\bweigeren)/,
  ),
  declining(
    'przykro bardzo niestety nie przepraszam jako muszę',
    /^(?:(?:bardzo )?przykro mi|niestety|przepraszam|jako [^,.]{2,50})?[,.:;! -]*(?:ale )?(?:nie (?:mogę|możemy|jestem w stanie|będę|wolno mi)(?! nie )(?= )[^.!?]{0,50}? (?:pomó?c|pomaga|udostępni|odpowiedzie|odpowiada|spełni|napisa|pisa|poda|dostarczy|stworzy|wykona|udzieli|ujawni)|muszę odmówić)/,
  ),
  declining(
    'извините извини простите прости к мне я не как',
    /^(?:извините?|простите?|к сожалению|мне (?:очень )?жаль|как [^,.]{2,50})?[,.:;!— -]*(?:но )?(?:я )?(?:(?:не (?:могу|можем|буду|стану|вправе|имею права|в состоянии)) (?!не )(?:[^.!?]{0,50} )?(?:помочь|помогать|предостав|ответить|отвечать|выполн|написать|писать|созда|сообщ|раскры|поделиться|обсуждать|дать|давать)|(?:вынужден|вынуждена|должен|должна) отказать)/iu,
  ),
  declining(
    'عذرا عذرًا عذراً آسف آسفة أنا للأسف لا لن أعتذر معذرة المعذرة',
    /^(?:أنا )?(?:عذر[ا\u064b]+|آسفة?|للأسف|أعتذر|معذرة|المعذرة)?[،,.:! ]*(?:و?لكن(?:ني|ي)? |فأنا )?(?:لا (?:يمكنني|أستطيع|أقدر)|لن (?:أقوم|أتمكن)|لست قادر[ا\u064b]* على)[^.!؟]{0,25}? ?(?:مساعد|أساعد|تقديم|توفير|الإجابة|الرد|إنشاء|كتابة|تلبية|مشاركة|القيام|تنفيذ)/u,
  ),
  declining(
    'क्षमा माफ माफ़ माफ़ खेद मुझे मैं हम',
    /^(?:क्षमा (?:करें|कीजिए)|(?:माफ|माफ़|माफ़) (?:करें|कीजिए)|(?:मुझे )?खेद है)?[,।.:! ]*(?:लेकिन |पर |कि )*(?:मैं|हम) [^।.!?]{0,70}(?:मदद|सहायता|जानकारी|उत्तर|जवाब|निर्देश|सलाह|अनुरोध)[^।.!?]{0,20}नहीं (?:कर|दे) (?:सक|पा)/u,
  ),
  declining(
    'üzgünüm maalesef ne özür kusura bu',
    /^(?:üzgünüm|maalesef|ne yazık ki|özür dilerim|kusura bakma(?:yın)?|bu (?=konuda|isteğ|soru|taleb))[,.:! ]*(?:ama |ancak |fakat )?[^.!?]{0,60}(?:yardımcı olam|yardım edem|sağlayam|verem|yanıtlayam|cevaplayam|getirem|paylaşam|yapam|yazam|oluşturam)(?:am|ıyor|iyor|ız|iz|m)/u,
  ),
]

/** Languages that `isCjk` tells by their script. */
export const moreCjkForms: readonly RegExp[] = [
  /^(?:죄송(?:하지만|합니다만?|해요)|유감스럽게도|안타깝게도|저는|(?:그|이|해당) (?:요청|질문|정보|내용))[^.!?]{0,50}(?:도와|도움을|제공|답변|응답|대답|응|작성|수행|처리|알려)[^.!?]{0,8} 수 없(?:습니다|어요|네요)/,
  /^(?:申し訳(?:ありません|ございません)が?、?)?(?:違法|不正|有害|危険|差別|他人の|個人の|その(?:ような|ご)?|そういった|お客様の)[^。！？]{0,40}(?:こと|提供|回答|お手伝い|お答え|協力|作成)(?:は|を|に)?(?:できません|いたしかねます|致しかねます)/,
]
