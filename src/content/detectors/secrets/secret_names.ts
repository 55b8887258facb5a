/** Which names are those of secrets: of attributes, of JSON members, of variables, in the words before `=` or `:`. */

/** Words that name a secret, alone or with what it opens. */
const secretNames =
  /(?:api|access|secret|private|priv|account|auth|client|consumer|customer|sign(?:ing|ature)?|encryption|encrypt|decrypt|master|service|session|shared|preshared|subscription|app(?:lication)?|admin|root|webhook|licen[cs]e|storage|deploy|write|read|ingest|insert|global|user|server|live|test|prod|dev|upload|personal|production|maps?)[ _.-]{0,2}key|[a-z0-9][_.-]key$|secret|token|passw|passphrase|passcode|pwd|credential|bearer|apikey|[_-](?:pat|pw|pass|auth|sas)$|\bpat$|authorization|(?:^|[_-])auth$|sessionid|session_?cookie|connection_?string|cookie|jwt/i
/** Names that hold such a word and are no secret: identifiers, counts, kinds, public halves. */
const plainNames =
  /public[ _.-]?key|(?:primary|foreign|partition|sort|cache|object|idempotency|routing|row|group|composite|unique|index|hash|event|dedup\w*|message|lookup|translation|i18n|feature)[ _.-]?key|key[ _.-]?(?:id|name|word|board|code|type|space|path|file|size|length|frame|stroke|hash|fingerprint)|keyboard|monkey|turkey|hotkey|token(?:s(?![a-z])|iz|[ _.-]?(?:count|type|limit|usage|id|name|url|uri|endpoint|class|index|expir|address))|(?:max|num|total|prompt|completion|input|output|cached|first|last|per|each|eos|bos|pad|unk|sep|stop|mask|special|next_?page|page|continuation|sync|csrf)[ _.-]?tokens?|secret(?:ary|ion|ly)|secret[ _.-]?(?:name|arn|id|ref|version|path)|etag|digest|(?:^|[_-])sha(?:1|256|512)?$/i
/** Last words of names that say something about a secret: whose it is, what became of it, where it is kept. */
const aboutSecrets = new Set(
  `alias aliases id ids name names kind kinds type types class category status state decision decisions outcome result
  reason policy policies rule rules source sources origin provider providers issuer owner team teams org organization
  project user users customer tenant group groups role roles scope scopes permission permissions tier plan level version
  versions revision algorithm alg method methods mode scheme format size length count counts total limit limits quota
  budget spend cost usage used remaining max min rpm tpm rate ttl age expiry expires expired expiration date time
  timestamp at created updated rotated rotation duration ms seconds minutes days enabled disabled required present
  missing valid invalid verified index position label labels tag tags description title metadata route path file url
  uri endpoint host server service domain region location store manager engine model models error errors attempts
  retries failures strength score email in bucket consent banner principal subject action resource effect allowed denied
  granted permitted check checks`.split(/\s+/),
)

/** Whether the bytes of a name, such as an attribute's key, name a secret. */
export function namesSecret(text: string): boolean {
  return secretNames.test(text) && !plainNames.test(text) && !isAboutSecret(text)
}

/**
 * Whether a name ends in a word that says something about a secret, as `password_policy` and `apiKeyAlias` do. Of several words
 * of prose (`token for the server`) the last one may be anything, so that it has to be in one piece with the secret's.
 */
export function isAboutSecret(text: string): boolean {
  const piece = text.slice(text.lastIndexOf(' ') + 1)
  const word = /[A-Z]?[a-z]+\d*$|[A-Z]+\d*$/.exec(piece)
  // A word of one piece, such as `sessionid`, has no last word of its own.
  if (word === null || word.index === 0 || !secretNames.test(piece)) return false
  return aboutSecrets.has(word[0].replace(/\d+$/, '').toLowerCase())
}
