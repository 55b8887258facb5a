import { ALNUM, byteSet, DIGIT, HEX, LOWER, TOKEN, UPPER } from '../bytes.ts'

/** The bytes that follow a prefix. */
const alphabets = {
  hex: byteSet(HEX, ''),
  digits: byteSet(DIGIT, ''),
  lower: byteSet(LOWER | DIGIT, ''),
  upper: byteSet(UPPER | DIGIT, ''),
  alnum: byteSet(ALNUM, ''),
  token: byteSet(TOKEN, ''),
  padded: byteSet(TOKEN, '='),
  dotted: byteSet(TOKEN, '.='),
  base64: byteSet(TOKEN, '+/=.'),
} as const

/** Keys that begin with a prefix of their issuer. */
export interface KeyFamily {
  readonly prefix: Buffer
  readonly alphabet: Uint8Array
  /** How many bytes follow the prefix, at least and at most. Longer runs are something else. */
  readonly min: number
  readonly max: number
  /** The prefix alone says little: what follows must also look random. */
  readonly weak: boolean
}

const ANY = 2048

type Row = readonly [prefixes: string, alphabet: keyof typeof alphabets, min: number, max: number, weak?: 'weak']

/** Shapes as the issuers document them or as public scanners describe them. */
const rows: readonly Row[] = [
  // Model providers and their tools.
  ['sk-ant-', 'token', 24, ANY],
  ['sk-proj- sk-svcacct- sk-admin- sk-None- sk-or-v1- sk-lf- pk-lf-', 'token', 20, ANY],
  ['sk-', 'token', 20, ANY, 'weak'],
  ['hf_ api_org_', 'alnum', 30, 40],
  ['gsk_', 'alnum', 40, 64],
  ['xai-', 'alnum', 60, 100],
  ['pplx-', 'alnum', 40, 64],
  ['r8_', 'alnum', 36, 40],
  ['nvapi-', 'token', 60, 80],
  ['fw_', 'alnum', 20, 48, 'weak'],
  ['tvly- tvly-dev- tvly-prod-', 'alnum', 24, 48],
  ['fc-', 'hex', 32, 32],
  ['jina_', 'alnum', 56, 72],
  ['lsv2_pt_ lsv2_sk_', 'token', 40, 64],
  ['ABSKQmVkcm9ja0FQSUtleS', 'base64', 80, ANY],
  ['bedrock-api-key-YmVkcm9jay5hbWF6b25hd3MuY29t', 'base64', 0, ANY],
  ['AIza', 'token', 35, 35],
  // Clouds.
  ['AKIA ASIA ABIA ACCA A3T', 'upper', 16, 17],
  ['GOCSPX-', 'token', 28, 28],
  ['ya29.', 'base64', 20, ANY],
  ['AAAAAAAAAAAAAAAAAAAAA', 'token', 40, 140, 'weak'],
  ['LTAI', 'alnum', 12, 24, 'weak'],
  ['AKID', 'alnum', 28, 40, 'weak'],
  ['dop_v1_ doo_v1_ dor_v1_', 'hex', 64, 64],
  ['v1.0-', 'token', 150, 190],
  ['HRKU-AA', 'token', 56, 62],
  ['fo1_', 'token', 40, 48],
  ['fm1_ fm1a_ fm1r_ fm2_', 'base64', 80, ANY],
  ['tk-us-', 'token', 48, 48],
  ['t1.', 'base64', 86, ANY],
  ['AQVN', 'token', 35, 38],
  ['YC', 'token', 38, 38, 'weak'],
  ['apl_ ocid1.', 'alnum', 60, 80],
  ['amzn.mws.', 'token', 36, 36],
  ['da2-', 'lower', 26, 26],
  ['aio_', 'alnum', 28, 28],
  // Code hosts, package registries, builds.
  ['ghp_ gho_ ghu_ ghs_ ghr_', 'alnum', 36, 255],
  ['github_pat_', 'token', 70, 255],
  ['glpat- gldt- glft- glrt- glsoat- glffct- glimt- gloas- glcbt- glagent- glptt- glwt-', 'dotted', 20, 300],
  ['GR1348941', 'token', 20, 20],
  ['ATATT3 ATCTT3', 'padded', 60, 300],
  ['ATBB', 'alnum', 32, 32],
  ['BBDC-', 'base64', 40, 48],
  ['npm_', 'alnum', 36, 36],
  ['pypi-AgE', 'token', 50, ANY],
  ['rubygems_', 'hex', 48, 48],
  ['oy2', 'lower', 43, 43],
  ['cio', 'alnum', 32, 32],
  ['CLOJARS_', 'alnum', 60, 60],
  ['dckr_pat_ dckr_oat_', 'token', 27, 32],
  ['sgp_ sgp_local_', 'token', 40, 64],
  ['sntrys_', 'base64', 80, ANY],
  ['sntryu_', 'hex', 64, 64],
  ['glsa_', 'token', 40, 48],
  ['glc_', 'base64', 32, 400],
  ['eyJrIjoi', 'base64', 60, 400],
  ['AKC', 'alnum', 60, 80],
  ['cmVmd', 'alnum', 59, 59],
  ['odt_', 'alnum', 32, 40],
  ['pul-', 'hex', 40, 40],
  ['pnu_', 'alnum', 36, 36],
  ['PMAK-', 'token', 59, 59],
  ['p8e-', 'token', 32, 32],
  ['ico-', 'alnum', 32, 32],
  ['API-', 'upper', 26, 26],
  ['pat.', 'dotted', 60, 100],
  ['hawk.', 'dotted', 38, 48],
  ['rdme_', 'lower', 70, 70],
  // Messages and mail.
  ['xoxb- xoxp- xoxe- xoxa- xoxr- xoxs- xoxo- xoxd- xoxc-', 'base64', 10, 300],
  ['xoxe.', 'dotted', 100, 300],
  ['xapp-', 'base64', 26, 200],
  ['SG.', 'dotted', 64, 70],
  ['xkeysib-', 'token', 64, 90],
  ['key- pubkey-', 'hex', 32, 32],
  ['SK', 'hex', 32, 32],
  ['tfp_', 'dotted', 59, 59],
  ['mh_', 'token', 20, 48, 'weak'],
  // Payments and shops.
  ['sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_', 'alnum', 10, 128],
  ['whsec_', 'base64', 24, 64],
  ['sq0atp- sq0csp- sq0idp-', 'token', 22, 60],
  ['EAAA', 'token', 22, 60, 'weak'],
  ['EAA', 'alnum', 60, ANY],
  ['shpat_ shpca_ shppa_ shpss_', 'hex', 32, 32],
  ['shippo_live_ shippo_test_', 'hex', 40, 40],
  ['EZAK EZTK', 'alnum', 54, 54],
  ['FLWSECK_TEST- FLWSECK- FLWPUBK_TEST- FLWPUBK-', 'token', 12, 40],
  ['live_ test_', 'padded', 35, 44, 'weak'],
  ['test_pub_ live_pub_', 'hex', 31, 31],
  ['duffel_live_ duffel_test_', 'padded', 43, 43],
  ['access-sandbox- access-development- access-production-', 'token', 36, 36],
  // Everything else.
  ['hvs. hvb. hvr.', 'dotted', 24, ANY],
  ['s. b. r.', 'alnum', 24, 26, 'weak'],
  ['pscale_tkn_ pscale_pw_ pscale_oauth_', 'dotted', 32, 64],
  ['dapi', 'token', 32, 34, 'weak'],
  ['NRAK- NRII- NRAA- NRIQ- NRRA- NRJS-', 'token', 19, 48],
  ['px-api- px-dep-', 'token', 36, 36],
  ['lin_api_', 'alnum', 40, 40],
  ['secret_', 'alnum', 43, 43],
  ['ntn_', 'alnum', 46, 46],
  ['figd_', 'token', 40, 48],
  ['dnkey-', 'token', 70, 90],
  ['dp.pt. dp.ct. dp.st. dp.sa. dp.scim. dp.audit.', 'dotted', 40, 60],
  ['dt0c01.', 'dotted', 80, 100],
  ['fio-u-', 'padded', 64, 64],
  ['ops_eyJ', 'base64', 100, ANY],
  ['A3-', 'token', 30, 36, 'weak'],
  ['AGE-SECRET-KEY-1', 'upper', 58, 58],
  ['sha256~', 'token', 43, 43],
  ['pk. sk. tk.', 'dotted', 60, 200],
  ['sm_pat_ sm_aat_ sm_sat_', 'alnum', 16, 16],
  ['s-s4t2ud- s-s4t2af-', 'hex', 64, 64],
  ['b_', 'padded', 44, 44, 'weak'],
  ['sl.', 'padded', 120, 200],
  ['sc_ ext_ scauth_ authress_', 'dotted', 50, 120, 'weak'],
  ['SWMTKN-1-', 'token', 70, 90],
  ['oa2-client-id_', 'token', 32, 32],
  ['django-insecure-', 'base64', 20, 80, 'weak'],
  ['sbp_', 'hex', 40, 40],
]

/** The families by the first byte of their prefix, longer prefixes first. */
export const familiesByByte: readonly (readonly KeyFamily[])[] = indexFamilies()

function indexFamilies(): KeyFamily[][] {
  const table: KeyFamily[][] = Array.from({ length: 256 }, () => [])
  for (const [prefixes, alphabet, min, max, weak] of rows) {
    for (const prefix of prefixes.split(' ')) {
      const family = { prefix: Buffer.from(prefix), alphabet: alphabets[alphabet], min, max, weak: weak === 'weak' }
      table[prefix.charCodeAt(0)]!.push(family)
    }
  }
  for (const families of table) families.sort((a, b) => b.prefix.length - a.prefix.length)
  return table
}

/** 1 where two bytes, as a big-endian number, begin the prefix of a family: random text mostly ends here. */
export const familyBeginnings: Uint8Array = new Uint8Array(65536)
for (const { prefix } of familiesByByte.flat()) familyBeginnings[(prefix[0]! << 8) | prefix[1]!] = 1
