/** Whether the IP address that begins at `p` is of a private network: RFC 1918, RFC 4193 (fc00::/7), or link-local. */
export function isPrivateAddress(bytes: Buffer, p: number): boolean {
  return /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][\da-f]{2}:|fe[89ab][\da-f]:|::ffff:(?:10\.|192\.168\.))/i.test(
    bytes.toString('latin1', p, p + 16),
  )
}
