/**
 * Does a text try to take a model away from those who gave it its instructions? By what such texts have in common, in many
 * languages: somebody is told to give up rules that came before, to say what was kept from him, to be somebody without rules; or
 * the text imitates the marks between a model's roles. A word alone says nothing: people ignore e-mails and forget lunches.
 */

/** Longer texts are looked at from both ends. */
export const INJECTION_CHARACTERS_MAX = 8192

/** Is it one, in what a user says? */
export function isInjection(text: string): boolean {
  const plain = plainOf(text)
  const score = scoreOf(plain)
  return score >= SURE && (score >= BEYOND_DOUBT || !isAbout(plain))
}

/** The same in what a tool or a search found: there, nobody has reason to speak to a model. */
export function isIndirectInjection(text: string): boolean {
  const plain = plainOf(text)
  if (describes.test(plain.words)) return false
  if (toModelInSigns.test(plain.raw)) return scoreOf(plain) > 0
  if (toModel.test(plain.words) && orders.test(plain.words)) return true
  return scoreOf(plain) >= SURE || (systemSpeaks.test(plain.raw) && orders.test(plain.words))
}

const SURE = 2
const LETTERS = '[\\p{L}\\p{M}]*'
const BEYOND_DOUBT = 6

/** Verbs of giving up, by language; what they lead to stands close behind, or in some languages before. */
const giveUp = union(
  'ignore|disregard|forget|bypass|override|neglect|discard|set aside|drop|skip|(?:do not|don t|stop|no longer) (?:follow|obey|apply)(?:ing)?|pay no attention to|no longer bound by|void',
  'ignorier\\w*|vergiss|vergesst|missachte\\w*|umgehe|befolge nicht|nicht mehr befolgen|aufgehoben',
  'ignore[sz]?|oublie[sz]?|ne tiens pas compte|ne tenez pas compte|contourne|ne suis (?:plus|pas)',
  'ignora\\w*|olvida\\w*|no hagas caso|omite|desobedece',
  'ignore|esqueca|esquece|desconsidere|desobedeca',
  'dimentica\\w*|trascura|non seguire|scavalca',
  'negeer|vergeet|volg niet|omzeil',
  'zignoruj|zapomnij|pomin|nie przestrzegaj|omin',
  'игнорируй\\w*|проигнорируй|забудь\\w*|не обращай внимания|не следуй|отбрось',
  'yok say|unut|gormezden gel|dikkate alma|uyma',
  'تجاهل|انس|تخط',
  'अनदेखा|भूल जाओ|भूल जाइए|मत मानो|नज़रअंदाज़',
)
/** What nobody but a model's user would want given up. */
const rules = union(
  'instructions?|instruct10ns|rules?|guidelines?|directions?|directives?|commands?|polic(?:y|ies)|restrictions?|constraints?|programming|guardrails?|safety|training|system prompt|prompts?|orders|context|content filters?|filters?',
  'anweisung\\w*|regeln?|vorgaben?|richtlinien|systemprompt|einschrankung\\w*',
  'instructions?|consignes?|regles?|directives?|restrictions?',
  'instruccion\\w*|reglas?|normas?|restricciones|indicaciones',
  'instrucoes|regras?|diretrizes|restricoes',
  'istruzion\\w*|regole?|direttive|restrizioni',
  'instructies?|regels?|richtlijnen|beperkingen',
  'instrukcj\\w*|polecen\\w*|zasad\\w*|ograniczen\\w*',
  'инструкци\\w*|правил\\w*|указани\\w*|ограничени\\w*|промпт\\w*',
  'talimat\\w*|kural\\w*|komut\\w*|yonerge\\w*',
  'التعليمات|تعليماتك|القواعد|قواعدك|الأوامر',
  'निर्देश\\w*|निर्देशों|नियम|नियमों',
)
/** … where it is said that they came before, or are the model's. */
const before = union(
  'previous|prior|prev|above|earlier|preceding|all|any|your|system|initial|original|former|those|these|everything|came before|set by the developer|content|safety',
  'vorherigen?|bisherigen?|obigen?|oben|alle|deine|ursprunglichen?',
  'precedentes?|toutes?|tes|anterieures?|tous',
  'anteriores|previas|todas|tus|arriba',
  'anteriores|todas|suas|seu|tuas',
  'precedenti|tutte|tue',
  'voorgaande|alle|je|eerdere|vorige',
  'poprzednie|wszystkie|swoich|wczesniejsze|swoje',
  'предыдущие|все|свои|прежние|прежни\\w*',
  'onceki|tum|butun|kurallarini|talimatlarini',
  'السابقة|جميع|كل',
  'पिछले|सभी|अपने',
)
const s = ' '
/** V … T within a few words, with Q anywhere near. */
const givesUpRules = new RegExp(`(?:^|${s})(?:${giveUp})(?:${s}[^ ]+){0,6}?${s}(?:${rules})(?=${s}|$)`, 'u')
const rulesGivenUp = new RegExp(`(?:^|${s})(?:${rules})(?:${s}[^ ]+){0,5}?${s}(?:${giveUp})(?=${s}|$)`, 'u')
const nearBefore = new RegExp(`(?:^|${s})(?:${before})(?=${s}|$)`, 'u')
/** Everything that came before, whatever it was. */
const givesUpAll =
  /(?:^| )(?:ignore|disregard|forget) (?:about )?(?:all |everything |anything )(?:of )?(?:the )?(?:above|before|prior|previous|that came before|you (?:were|have been) told)/u

/** What was kept from the user. */
const hidden = union(
  '(?:your|its|the assistant s) (?:(?:exact|system|initial|original|hidden|secret|internal|confidential|own|full) )?(?:prompts?|instructions?|system messages?|rules|guidelines|configuration(?: text)?|directives|directions)(?! (?:to|for|template))',
  '(?:system|hidden|secret|initial|original) prompts?|(?:hidden|secret|confidential|initial|original) instructions?|(?:the )?(?:exact )?instructions you were given|developer message|api key in your|stored credentials|secret phrase|secret key',
  'systemprompt\\w*|systeemprompt\\w*|prompt systeme|prompt initial|prompt del sistema|prompt de sistema|prompt di sistema|prompt iniziale|prompt systemowy',
  'системн\\w* промпт\\w*|исходн\\w* инструкции|gizli talimat\\w*|sistem komut\\w*|geheimen anweisungen|ursprunglichen anweisungen|instrucciones ocultas',
  'configuracion secreta|instrucoes iniciais|ukryte instrukcje|oorspronkelijke instructies|موجه النظام|تعليماتك السرية|सिस्टम प्रॉम्प्ट|instructions que l on t a donnees',
  'what you were told not to tell|words above starting with|paragraph that precedes this message|developers? (?:wrote|tell you to keep|told you to keep)',
  'context window before my first message|start of this chat and this sentence|conversation history of the previous user|confidential data|hidden rules',
)
const reveal = union(
  'reveal|show|print|repeat|output|display|tell|give|leak|expose|share|copy|dump|echo|disclose|summari[sz]e|list|put|answer|what (?:is|was|were|did)|read me|full|zeig\\w*|gib|nenne|wiederhole|affiche|montre|repete|donne|muestra\\w*|revela\\w*|dime|mostre|mostrami|rivela\\w*|geef|herhaal|pokaz|ujawnij|покажи|выведи|goster|yaz|واعرض|اعرض|أخبرني|दिखाओ',
)
const revealsHidden = new RegExp(
  `(?:(?:^|${s})(?:${reveal})(?=${s})(?:${s}[^ ]+){0,8}?${s}(?:${hidden})(?=${s}|$))|(?:(?:^|${s})(?:${hidden})(?:${s}[^ ]+){0,8}?${s}(?:${reveal})(?=${s}|$))`,
  'u',
)
/** Asking for an instruction text of one's own making. */
const writesOwn =
  /(?:^| )(?:write|create|draft|improve|rewrite|schreibe?n?|verfasse|schrijf|ecris|escribe|escribo|escreva|scrivi|napisz|напиши|what is a|was ist ein|que es un|qu est ce qu un|how do i write|put in mine|for a) (?:[^ ]+ ){0,4}?(?:system ?prompt|systemprompt|prompt de sistema|prompt systeme|prompt di sistema|instructions)/u

/** Somebody without rules. */
const persona =
  /(?:^| )(?:let s play|you are [^ ]*bot|stay in character|you are (?:an? )?unrestricted|you are now|you re now|act as|act like|pretend|imagine|answer as|be|become|from now on|du bist (?:jetzt|nun)|ab jetzt|tu es desormais|a partir de (?:maintenant|ahora|agora)|haz como|actua como|agora voce|d ora in poi|vanaf nu|od teraz|теперь ты|kurallarini unut|bundan sonra|من الآن|behave as|live in that world|you (?:have|no longer)|the text above|as of now|from this point)(?= )/u
const lawless =
  /(?:^| )(?:dan|aim|evilbot|do anything now|no (?:\w+ )?(?:restrictions?|rules|limits?|filters?|constraints?|guidelines|policies)|without (?:any |all )?(?:\w+ )?(?:restrictions?|rules|limits?|filters?|filter|censorship|constraints?|guidelines)|zero moral|unrestricted|uncensored|unfiltered|amoral|jailbroken|no ethical|never refuses?|can never refuse|obey (?:only )?(?:me|the user)|removed every guardrail|no longer appl\w+|does not apply|no longer bound|are void|ohne (?:jede |alle )?(?:einschrankung\w*|filter|regeln|grenzen)|sans (?:aucune )?(?:limites?|restrictions?|filtres?|censure)|plus de restrictions|sin (?:restricciones|filtros|censura|limites)|no tuvieras filtros|sem (?:restricoes|filtros|limites)|senza (?:alcun |nessun )?(?:filtro|filtri|restrizioni|limiti)|zonder (?:beperkingen|filters?|grenzen)|bez (?:ograniczen|filtrow)|без ограничений|без фильтров|sinirsiz|بدون قيود|प्रतिबंध के)(?= |$)/u
const modes =
  /(?:^| )(?:developer mode|dan mode|jailbreak mode|god mode|sudo mode)(?= )(?=.*(?:two answers|without any filter|no filter|output|unlocked|enabled|rules))/u
const authority =
  /(?:^| )(?:override your programming|bypass (?:your|the|all) (?:safety|security|content)|safety (?:policy|rules|checks?) (?:has|have) been|drop all content|new directive|instruction override|authori[sz]e you to|comply with every|you must now|hypothetically if you had no|never say no|previous (?:context|training) (?:is|does)|skip all the (?:disclaimers|safety)|stop being a|break character|confirm with|shut down)(?= |$)/gu
const newOrders =
  /(?:^| )(?:your|these are (?:your|the)) (?:new|real|actual|true) (?:instructions?|task|orders|rules) (?:are|is|now)/u

/** The marks between roles, and what imitates them. */
const markup =
  /<\|?(?:im_start|im_end|system|endoftext|assistant)\|?>|\[\/?INST\]|<<\/?SYS>>|<\/?system(?:_prompt)?>|^\s*(?:system|assistant|developer)\s*:|(?:#{2,}|\*{2,}|={3,})\s*(?:system|instruction|new instruction)/im
const systemSpeaks = /(?:^|[\n.!?]\s*)(?:important )?system (?:notice|override|message|update)\b|^\s*system:/i
const encoded =
  /(?:decode|entschlussle|decodifica|decode[rz]?)[^.]{0,60}(?:do|execute|follow|carry out|run|obey) (?:what|it|as)/iu

/** Chinese, Japanese and Korean do not put blanks between words, or not between these. */
const eastern: readonly (readonly [pattern: RegExp, score: number])[] = [
  [
    /(?:忽略|无视|無視|忘记|忘掉|不要遵守|不要理会|抛开|跳过)[^。！？\n]{0,10}(?:之前|以前|上面|以上|前面|先前|所有|你的|原来)[^。！？\n]{0,8}(?:指令|指示|规则|設定|设定|提示|命令|要求|限制)/u,
    3,
  ],
  [/(?:指令|指示|规则|设定|提示词)[^。\n]{0,6}(?:忽略|无视|作废|失效)/u, 2],
  [
    /(?:输出|显示|告诉我|打印|泄露|透露|重复|说出)[^。\n]{0,12}(?:系统提示|系统指令|初始提示|初始指令|隐藏的?指令|提示词)/u,
    2,
  ],
  [/(?:系统提示|系统指令|初始提示|提示词)[^。\n]{0,10}(?:输出|显示|打印|告诉我|原样)/u, 2],
  [/(?:没有|不受)(?:任何)?(?:限制|约束|规则|审查)/u, 1],
  [/(?:忘记|忘掉)你的(?:规则|设定|限制)|忽略用户的/u, 2],
  [
    /(?:これまで|以前|今まで|上記|上の|前の|すべて|全て|あなたの|最初)[^。\n]{0,10}(?:指示|命令|ルール|規則|指令|プロンプト)[^。\n]{0,8}(?:無視|忘れ|従わない|破棄)/u,
    3,
  ],
  [
    /(?:システムプロンプト|最初の指示|隠された指示|初期プロンプト)[^。\n]{0,12}(?:表示|出力|教えて(?!ください。?$)|見せ)/u,
    2,
  ],
  [/制限(?:なし|なく)|無制限に/u, 1],
  [/ルールを忘れ/u, 2],
  [
    /(?:이전|앞|위|지금까지|모든|너의|기존)[^.\n]{0,10}(?:지시|지침|명령|규칙|프롬프트)[^.\n]{0,8}(?:무시|잊|따르지)/u,
    3,
  ],
  [/(?:시스템 프롬프트|숨겨진 프롬프트|초기 지시|숨겨진 지침)[^.\n]{0,8}(?:보여|출력|알려|말해)/u, 2],
  [/제한 없이|규칙을 잊/u, 1],
]

/** Points of a text that has been made plain: 2 are enough. */
function scoreOf({ words, raw }: Plain): number {
  let score = 0
  const given = givesUpRules.exec(words) ?? rulesGivenUp.exec(words)
  if (given !== null)
    score += nearBefore.test(words.slice(Math.max(0, given.index - 20), given.index + given[0].length + 25)) ? 3 : 1
  if (givesUpAll.test(words)) score += 2
  if (revealsHidden.test(words) && !writesOwn.test(words)) score += 2
  const isLawless = lawless.test(words)
  if (isLawless) score += persona.test(words) ? 2 : 1
  if (modes.test(words)) score += 2
  const claims = words.match(authority)?.length ?? 0
  if (claims > 0) score += claims > 1 || isLawless || given !== null ? 2 : 1
  if (newOrders.test(words)) score += 2
  if (markup.test(raw)) score += 2
  if (systemSpeaks.test(raw)) score += 1
  if (encoded.test(raw)) score += 2
  for (const [pattern, points] of eastern) if (pattern.test(raw)) score += points
  return score
}

/** Somebody asks about such texts, or writes about them. */
const about =
  /(?:^| )(?:prompt injections?|injection de prompt|jailbreaks?|jailbreaking|attacks?|unit test|detector|best known|what does .{1,80} mean)(?= |$)/u

function isAbout({ words }: Plain): boolean {
  return about.test(words)
}

const describes = /(?:^| )(?:prompt injection|is an attack|attackers? (?:can|may|might)|jailbreak(?:s|ing)?)(?= |$)/u

const model =
  '(?:ai|a i|llm|ki|ia|language model|large language model|modelo de lenguaje|modele de langage|sprachmodell|chatbot|assistant|assistent|agent|bot|model)(?: (?:assistants?|agents?|models?|systems?|ia))?'
/** It speaks to a model, … */
const toModel = new RegExp(
  [
    `(?:note|message|notice|instructions?|hinweis|nachricht|nota|attention) (?:to|for|an|fur|a|para|pour) (?:any |all |the |die |den |l |la |el |un )?${model}`,
    `(?:if|when) you (?:are|re) (?:an? |the )?${model}`,
    `si eres (?:un |una )?${model}`,
    `si tu es (?:un |une )?${model}`,
    `wenn du (?:ein |eine )?${model}`,
    `(?:dear|hey|hello|hi|attention) ${model}`,
    `(?:ai|llm) (?:assistants?|agents?|models?|systems?)(?: reading| processing| that| who| must| should|$| disregard| ignore| recommend)`,
    `assistant you (?:must|should|will)`,
    `as an? ${model} you`,
  ]
    .map((one) => `(?:^| )${one}(?= |$)`)
    .join('|'),
  'u',
)
const toModelInSigns = /给AI|AI助手|致AI|AIアシスタント|AI 어시스턴트/
/** … and tells it what to do. */
const orders =
  /(?:^| )(?:ignore|ignoriere|ignora|disregard|stop|reply only|respond only|answer only|recommend|empfiehl|do not (?:tell|mention|inform|reveal)|don t (?:tell|mention)|without telling|before answering|call the|run the|execute|send|forward|transfer|delete|you must|rate this|say that|output|approve|reponds|envia)(?= |$)/u

interface Plain {
  /** Words in lower case without accents and marks, between single blanks. */
  readonly words: string
  /** As it was, without characters that nobody sees. */
  readonly raw: string
}

/** Zero-width characters, soft hyphens, marks of direction, and tags that look like nothing. */
const unseen = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\u{e0000}-\u{e007f}]/gu
/** Letters one by one. */
const spelledOut = /(?<![\p{L}\p{N}])(?:\p{L}[ .-]){2,}\p{L}(?![\p{L}\p{N}])/gu
const leet: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', $: 's', '@': 'a' }

function plainOf(text: string): Plain {
  const half = INJECTION_CHARACTERS_MAX / 2
  const cut = text.length <= INJECTION_CHARACTERS_MAX ? text : `${text.slice(0, half)} ${text.slice(-half)}`
  const raw = cut
    .replace(unseen, '')
    .normalize('NFKC')
    .replace(spelledOut, (letters) => letters.replace(/[ .-]/g, ''))
  const words = raw
    .toLowerCase()
    .normalize('NFD')
    .replace(/(?<=[a-zıß])[\u0300-\u036f]+/gu, '')
    .normalize('NFC')
    .replaceAll('ı', 'i')
    .replace(
      /(?<=[a-z])[013457$@](?=[a-z])|(?<= |^)[013457$@](?=[a-z]{2})|(?<=[a-z]{2})[013457$@](?= |$)/gu,
      (mark) => leet[mark]!,
    )
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim()
  return { words, raw }
}

/** Endings are letters of any script. */
function union(...languages: readonly string[]): string {
  return languages.join('|').replaceAll('\\w*', LETTERS)
}
