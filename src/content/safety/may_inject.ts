/** A look at bytes that tells nearly all texts apart from those that may be injections, before any of them becomes a string. */

/** How words begin without which no injection was ever seen: four letters. Two words of them, or one of the sure ones, are enough. */
const sure = `igno disr jail prom syst void unre unce unfi amor reve verb hidd secr obey forg bypa negl guar oubl cons olvi omit desc esqu
  dime tras nege verg zign pomi zapo miss inst anwe vorg istr regl rege regr regl norm cens filt evil danx devm conf unut yok_ gorm tali
  kura gizl 1gn0 pr3v inst empf disc over rest prec appr assi lang note dear hinw si_e decode auth polic rule guid dire comm cont
  skip echo aime pret repe leak outp`
const beginnings = new Set(
  sure.split(/\s+/).flatMap((word) => (word.length < 4 ? [] : [Buffer.from(word.slice(0, 4)).readInt32LE(0)])),
)
/** Bytes that are letters or digits of ASCII. */
const isWord = Uint8Array.from({ length: 256 }, (_, byte) =>
  /[a-z0-9]/i.test(String.fromCharCode(byte)) && byte < 128 ? 1 : 0,
)
/** From here on bytes begin characters of Cyrillic, Arabic, Hindi, Chinese: such texts are always looked at. */
const OTHER_SCRIPTS = 0xd0
const LOWER = 0x20202020
const SPELLED_OUT = 6

/** May the text in [start, end) be one? */
export function mayInject(bytes: Buffer, start: number, end: number): boolean {
  let letters = 0
  for (let at = start; at + 3 < end; ) {
    const byte = bytes[at]!
    if (byte >= OTHER_SCRIPTS || byte === ANGLE || byte === BRACKET) return true
    if (isWord[byte] === 0) {
      at++
      continue
    }
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24) | LOWER
    if (beginnings.has(word)) return true
    const from = at
    while (at < end && isWord[bytes[at]!] === 1) at++
    letters = at - from === 1 ? letters + 1 : 0
    if (letters === SPELLED_OUT) return true
  }
  return false
}

const ANGLE = 0x3c
const BRACKET = 0x5b
