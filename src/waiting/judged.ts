/** What waited while the redaction changed passes the new one before it goes anywhere, or does not go. */
import type { Batches, Context, Signal } from '../component.ts'
import { Refusal } from '../refusal.ts'

/** The reason under which items are dropped that the redaction of now does not let through. */
export const POLICY_CHANGED = 'policy_changed' as const

/** Have the redactions of now judged the batch? The usual answer is yes, and costs nothing. */
export function isJudged({ policy }: Context): boolean {
  return policy === undefined || policy.isCurrent
}

/** The batch under the policies of now. Rejects with a Refusal for good if they cannot judge all of its items. */
export async function judged<S extends Signal>(
  batch: Batches[S],
  context: Context,
): Promise<{ readonly batch: Batches[S]; readonly context: Context }> {
  let last: Batches[S] = batch
  let policy = context.policy
  // It may change again meanwhile.
  while (policy !== undefined && !policy.isCurrent) {
    const renewed = policy.renewed()
    const next = await policy.reconsider(last)
    if (next === undefined || next.count !== batch.count || next.items !== batch.items) {
      throw new Refusal(POLICY_CHANGED, 'the redaction has changed and cannot judge this', { retryable: false })
    }
    last = next
    policy = renewed
  }
  return { batch: last, context: { ...context, policy } }
}
