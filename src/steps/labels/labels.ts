/** Labels by which cost is told apart, and the attributes that say them, as SDKs, gateways and platforms really write them. */

/** Where whatever users add to a call ends up, by emitter. */
const PLACES = [
  (name: string) => name,
  (name: string) => `app.${name}`,
  (name: string) => `llm.${name}`,
  (name: string) => `gen_ai.${name}`,
  (name: string) => `baggage.${name}`,
  (name: string) => `metadata.${name}`,
  (name: string) => `llm.metadata.${name}`,
  (name: string) => `traceloop.association.properties.${name}`,
  (name: string) => `langfuse.trace.metadata.${name}`,
  (name: string) => `langfuse.observation.metadata.${name}`,
  (name: string) => `langsmith.metadata.${name}`,
  (name: string) => `ai.telemetry.metadata.${name}`,
  (name: string) => `lmnr.association.properties.${name}`,
  (name: string) => `mlflow.trace.metadata.${name}`,
  (name: string) => `metadata.requester_metadata.${name}`,
  (name: string) => `langfuse.trace.tags.${name}`,
  (name: string) => `langfuse.tags.${name}`,
  (name: string) => `tag.tags.${name}`,
  (name: string) => `tags.${name}`,
  (name: string) => `langsmith.span.tags.${name}`,
]

/** A name, and others for the same, wherever users write them. */
function everywhere(...names: readonly string[]): string[] {
  return names.flatMap((name) => PLACES.map((place) => place(name)))
}

/** The shipped labels. A label's own names stand before those that are near it. */
export const SHIPPED_LABELS: Readonly<Record<string, readonly string[]>> = {
  service_name: ['service.name'],
  environment: [
    'deployment.environment.name',
    'deployment.environment',
    'langfuse.environment',
    ...everywhere('environment', 'env'),
  ],
  feature: [...everywhere('feature', 'feature_name', 'feature.name', 'use_case'), 'gen_ai.application_name'],
  team: [
    ...everywhere('team', 'team_name', 'team.name', 'team_id'),
    'metadata.user_api_key_team_alias',
    'metadata.user_api_key_team_id',
    'litellm.team.alias',
    'litellm.team.id',
    'service.namespace.team',
  ],
  agent: ['gen_ai.agent.name', 'agent.name', 'agent_name'],
  prompt_version: [
    'gen_ai.prompt.version',
    'langfuse.observation.prompt.version',
    'langfuse.prompt.version',
    'traceloop.prompt.version',
    'llm.prompt_template.version',
    ...everywhere('prompt_version', 'prompt.version'),
    'sluice.prompt.fingerprint',
  ],
  tenant: [
    ...everywhere('tenant', 'tenant_id', 'tenant.id', 'customer', 'customer_id', 'organization', 'org_id'),
    'metadata.user_api_key_org_id',
    'organization.id',
  ],
  user_tier: everywhere('user_tier', 'user.tier', 'tier', 'plan', 'subscription', 'user.plan'),
  task_type: ['llm.task_type', ...everywhere('task_type', 'task.type', 'task')],
  routed_model: [
    'litellm.routed_model',
    'metadata.model_group',
    'hidden_params.model_group',
    'llm.routed_model',
    'gen_ai.routed_model',
    ...everywhere('routed_model', 'model_group'),
  ],
}

/** A label with its sources. */
export interface Label {
  readonly name: string
  readonly sources: readonly string[]
}

/** Before a label's name, in what `gen_ai` writes of labels that stand where redaction may take them away. */
export const LABEL_PREFIX = 'sluice.label.'

/**
 * The labels of a config: the shipped ones as far as it does not say otherwise, and its own. `more`: names of others, looked for
 * wherever users write them.
 */
export function labelsOf(
  config: Readonly<Record<string, readonly string[] | false>>,
  more: readonly string[] = [],
): Label[] {
  const named = Object.fromEntries(more.map((name) => [name, everywhere(name)]))
  return Object.entries({ ...SHIPPED_LABELS, ...named, ...config }).flatMap(([name, sources]) =>
    sources === false ? [] : [{ name, sources: [...sources, `${LABEL_PREFIX}${name}`] }],
  )
}
