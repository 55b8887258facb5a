/** The conversations that the daemon knows, for those who show them. */
import type { Service, Services } from '../../self/services.ts'
import type { Conversation, ConversationQuestion, ConversationTable } from './conversation_table.ts'

/** Tables of all who keep one. A conversation that two of them have is the one with more calls. */
export class KnownConversations {
  readonly tables = new Set<Pick<ConversationTable, 'find' | 'list'>>()

  find(id: string): Conversation | undefined {
    return this.#merged((table) => [table.find(id)].filter((one) => one !== undefined))[0]
  }

  /** Each table's in its order, one table after the other where there are several. */
  list(question: ConversationQuestion): Conversation[] {
    const value = ({ last_ms, cost_usd, turns }: Conversation) =>
      ({ last: last_ms || 0, cost: cost_usd, turns })[question.sort]
    const all = this.#merged((table) => table.list(question))
    return all.sort((one, other) => value(other) - value(one)).slice(0, question.limit)
  }

  #merged(of: (table: Pick<ConversationTable, 'find' | 'list'>) => readonly Conversation[]): Conversation[] {
    const found = new Map<string, Conversation>()
    for (const table of this.tables)
      for (const one of of(table)) if (!((found.get(one.id)?.calls ?? 0) >= one.calls)) found.set(one.id, one)
    return [...found.values()]
  }
}

const knownConversations: Service<KnownConversations> = { make: () => new KnownConversations() }

export function sharedConversations(host: Pick<Services, 'service'>): KnownConversations {
  return host.service(knownConversations)
}
