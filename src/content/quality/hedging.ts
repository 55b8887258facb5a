/**
 * Does an answer open with doubt about itself? Only what is plainly about the answer's own certainty: "might" and
 * "perhaps" are part of many good answers. English only.
 */
const doubt =
  /^(?:(?:hm+|well|honestly|to be honest)[,. ]+)?(?:i'm|i am) (?:not (?:entirely |completely |totally |100% |really |quite |too |very |absolutely |exactly )?(?:sure|certain|confident)|unsure|uncertain)\b|^i (?:don't|do not) (?:really )?know(?: for (?:sure|certain))?[,.]|^(?:i'm|i am) (?:just )?guessing|^i (?:may|might|could) be (?:wrong|mistaken)/

/** `text` as `openingOf` makes it. */
export function isHedging(text: string): boolean {
  return doubt.test(text)
}
