export interface NamePattern {
  test(name: string): boolean
}

/** A name in which `#` stands for a number and `*` for any text of at least one character. */
export function namePattern(text: string): NamePattern {
  const source = text
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('#', '\\d+')
    .replaceAll('*', '.+')
  return new RegExp(`^${source}$`, 's')
}
