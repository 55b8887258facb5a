import { sameConfig } from '../config/compare.ts'
import type { Graph, Instance } from '../pipeline/graph.ts'
import type { ComponentPlan, Plan } from '../pipeline/plan.ts'
import type { Assembly } from './assembly.ts'

/** Which instances of a graph go on under another plan: those whose config is the same, and those that take theirs in place. */
export class Adoption {
  /** By key. */
  readonly adopted = new Map<string, Instance>()
  /** Those that have been given their new config, also if they threw: they may have taken half of it. */
  readonly updated: Instance[] = []

  /** Asks each instance that can take a new config to take it. Rejects with what one of them throws. */
  async take(old: Graph, plan: Plan, assembly: Assembly): Promise<void> {
    // Extensions come first: who has asked for one that is replaced or gone is made anew, to ask again.
    for (const instance of old.instances) {
      const next = successorOf(instance, plan)
      if (next === undefined || !assembly.keepsExtensions(instance.key, plan, this.adopted)) continue
      if (sameConfig(next, instance.plan) || (await this.#update(instance, next.config)))
        this.adopted.set(instance.key, instance)
    }
  }

  /** False: it has to be replaced. */
  async #update(instance: Instance, config: unknown): Promise<boolean> {
    if (instance.component.update === undefined) return false
    let isTouched = true
    try {
      isTouched = await instance.component.update(config)
    } finally {
      if (isTouched) this.updated.push(instance)
    }
    return isTouched
  }

  /** Gives the old config back to those that took a new one. Returns those that did not take it: they have to be replaced. */
  async giveBack(): Promise<readonly Instance[]> {
    const stuck: Instance[] = []
    for (const instance of this.updated)
      if (!(await instance.component.update?.(instance.plan.config))) stuck.push(instance)
    return stuck
  }
}

/** What the new plan has in its place: a component of the same type and id. */
function successorOf({ plan: old }: Instance, plan: Plan): ComponentPlan | undefined {
  const next = plan.components.find((one) => one.kind === old.kind && one.id === old.id)
  if (next === undefined || next.factory !== old.factory) return undefined
  return old.kind === 'extension' && !plan.extensions.includes(next.id) ? undefined : next
}
