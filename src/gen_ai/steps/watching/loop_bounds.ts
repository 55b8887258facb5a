/** From when on something is a loop. */
export interface Loops {
  /** Executions of a tool with the same arguments in one trace. */
  readonly same_call: number
  /** Executions of a tool in a row, where the arguments are not told. */
  readonly same_tool: number
  /** Runs of two agents, each within one of the other. */
  readonly agents_nested: number
  /** Runs of two agents, one after the other, in turn. */
  readonly agents_in_turn: number
}

export const LOOPS: Loops = { same_call: 5, same_tool: 10, agents_nested: 4, agents_in_turn: 6 }
