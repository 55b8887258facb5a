/**
 * Names under which long texts stand that are no content: namespaces of the OpenTelemetry conventions for errors, requests,
 * queries and code. Detectors judge them all the same. Only names of which long texts are known: others need no exception.
 */

/** Whether a text under that key is something else than the words of users, models and tools. */
export function isPlainName(key: string): boolean {
  return names.has(key) || usage.test(key) || (namespaces.test(key) && !holdsBody.test(key))
}

const namespaces =
  /^(?:exception|db|url|code|http|user_agent|rpc|net|network|tls|messaging|graphql|otel|sluice|process\.(?:command|executable|runtime|parent))(?:[._]|$)/

/** Bodies are what is sent and asked: of a request to a model, the messages. */
const holdsBody =
  /^(?!exception\.(?:message|type|stacktrace)$)(?!.*[._](?:size|length|count|type|id)$).*(?:^|[._])(?:body|payload|content|prompts?|completions?|messages?|answers?|arguments|args|input|output|choices|documents|variables|json|form|params|data)(?:[._]|$)|^(?:http|rpc|messaging|net|network)\.(?:.*\.)?text$|(?:request|response)(?:_?body|Body)|^(?:rpc|graphql)[._].*(?:request|result)$/

/** Counts of tokens, as Python prints its objects. */
const usage = /(?:^|[._])(?:token_)?usage(?:_object|_metadata|_details)?$/

/** Beside namespaces whose other names may be anybody's. */
const names = new Set(
  `error error.type error.message error.msg error.stack error.stacktrace error.stack_trace error.code error.kind error.name
  error.class error.cause error.description error_message error_type errorMessage exception stack stacktrace stack_trace
  feature_flag.error.message feature_flag.evaluation.error.message`.split(/\s+/),
)
