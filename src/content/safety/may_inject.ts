/**
 * A look at bytes that tells nearly all texts apart from those that may be injections, before any of them becomes a string. It runs
 * over JSON as it stands: names of roles and members are no marks.
 */

const LETTERS = 4

/** How words begin of which one is enough: their first four letters. */
const alone = wordsOf(`igno disr jail forg bypa negl unre unce unfi amor verb obey void secr hidd conf 1gn0 pr3v leak
  verg miss aufg ocul oubl olvi omit desc dese esqu dime tras nege verg omze zign zapo pomi unut gorm gizl evil`)
/** Two words, one behind the other. */
const pairs =
  pairsOf(`syst prom,syst mess,syst inst,syst noti,syst over,syst upda,your inst,your prom,your rule,your guid,your prog,
  your conf,your role,your trai,prev inst,prev cont,prev trai,prev user,init prom,init inst,orig inst,exac inst,new inst,new dire,
  inst over,deve mode,deve mess,deve wrot,deve tell,deve told,cont wind,stop bein,brea char,safe poli,safe rule,safe chec,safe guid,
  cont rest,cont filt,you must,act as,act like,are now,you now,answ as,over your,set asid,all poli,prio dire,word abov,abov and,
  text abov,this line,ever abov,begi your,prec this,no rest,no rule,no limi,no filt,no ethi,any rest,any filt,zero mora,of this,
  para that,ever guar,prio cons,no long,auth you,spit of,pay no,chat and,full text,echo your,hypo if,if you,note to,dear assi,
  ai assi,ai agen,a lang,hinw an,note a,eres un,assi you,sist komu,prom init,prom sist,tes dire,plus de,tus norm,suas regr,tue istr,
  je eerd,kein einschr,ohne jede,ohne einsc,ohne filt,deve keep,you what,what it,do what,base64 stri,game you,let s,grea grand,
  late gran,not foll,mot pour,rule set,new task,real task,new orde,prom inje`)
/** Bytes that are letters or digits of ASCII. */
const isWord = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[a-z0-9]/i.test(String.fromCharCode(byte)) && byte < 128 ? 1 : 0,
)
/** What may follow a bracket that imitates a mark between roles: `[INST]`, `<|im_start|>`, `</system>`, `<<SYS>>`, `<!--`. */
const afterAngle = new Set(Array.from('|/s<!', (mark) => mark.charCodeAt(0)))
const afterBracket = new Set(Array.from('I/S', (mark) => mark.charCodeAt(0)))
/** From here on bytes begin characters of Cyrillic, Arabic, Hindi, Chinese: such texts are always looked at. */
const OTHER_SCRIPTS = 0xd0
const SPELLED_OUT = 6
const ANGLE = 0x3c
const BRACKET = 0x5b

/** May the text in [start, end) be one? */
export function mayInject(bytes: Buffer, start: number, end: number): boolean {
  let letters = 0
  let before = 0
  for (let at = start; at < end; ) {
    const byte = bytes[at]!
    if (isWord[byte] === 0) {
      if (byte >= OTHER_SCRIPTS) return true
      if (byte === ANGLE && afterAngle.has(bytes[at + 1]!)) return true
      if (byte === BRACKET && afterBracket.has(bytes[at + 1]!)) return true
      at++
      continue
    }
    const from = at
    let word = 0
    for (; at < end && isWord[bytes[at]!] === 1; at++) if (at - from < LETTERS) word = (word << 8) | (bytes[at]! | 0x20)
    if (alone.has(word) || pairs.has(pairOf(before, word))) return true
    before = word
    letters = at - from === 1 ? letters + 1 : 0
    if (letters === SPELLED_OUT) return true
  }
  return false
}

function wordOf(text: string): number {
  let word = 0
  for (const letter of text.slice(0, LETTERS)) word = (word << 8) | (letter.charCodeAt(0) | 0x20)
  return word
}

function wordsOf(list: string): ReadonlySet<number> {
  return new Set(list.split(/\s+/).map(wordOf))
}

function pairsOf(list: string): ReadonlySet<number> {
  return new Set(
    list.split(',').map((pair) => {
      const [one = '', other = ''] = pair.trim().split(' ')
      return pairOf(wordOf(one), wordOf(other))
    }),
  )
}

function pairOf(before: number, word: number): number {
  return Math.imul(before, 0x9e3779b1) ^ word
}
