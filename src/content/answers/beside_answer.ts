/** What stands beside an answer: whether JSON was asked for, and evaluations. Few calls have it: strings are fine here. */
import { numberOf, textStart } from '../../telemetry/any_value.ts'
import type { Answer } from './answer.ts'
import { FORM, type Form } from './answer_keys.ts'

/** As much of a request's parameters as is looked at: they may hold the definitions of many tools. */
const PARAMETERS_MAX_BYTES = 32_768
const TEXT_MAX_BYTES = 100

/** Values and endings of values that mean JSON: output types, response formats, operations of the Vercel SDK. */
const jsonTypes = /^json(_object|_schema)?$|json_(object|schema)|^ai\.(generate|stream)Object\.do(Generate|Stream)$/
const jsonFormat =
  /["']type["']:\s*["']json_(schema|object)["']|["']response_?mime_?type["']:\s*["']application\/json|"output_mode":\s*"native"/i

/** Reads an attribute with a form from `FORM.jsonType` on. `number` tells evaluations apart. */
export function readBesideAnswer(
  form: Form,
  number: number,
  bytes: Buffer,
  start: number,
  end: number,
  answer: Answer,
): void {
  if (form === FORM.evaluationScore) {
    const evaluation = answer.evaluations.at(number)
    if (evaluation !== undefined) evaluation.score = numberOf(bytes, start, end)
    return
  }
  const text = textStart(bytes, start, end)
  if (text < 0) return
  if (form === FORM.jsonSchema) answer.wantsJson ||= end - text > 2
  else if (form === FORM.jsonType) answer.wantsJson ||= jsonTypes.test(shortText(bytes, text, end))
  else if (form === FORM.jsonParameters) answer.wantsJson ||= asksForJson(bytes, text, end)
  else {
    const evaluation = answer.evaluations.at(number)
    if (evaluation !== undefined)
      evaluation[form === FORM.evaluationName ? 'name' : 'label'] = shortText(bytes, text, end)
  }
}

function shortText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, Math.min(end, start + TEXT_MAX_BYTES))
}

const hints = ['json', '"native"']

function asksForJson(bytes: Buffer, start: number, end: number): boolean {
  const parameters = bytes.subarray(start, Math.min(end, start + PARAMETERS_MAX_BYTES))
  return hints.some((hint) => parameters.includes(hint)) && jsonFormat.test(parameters.toString('latin1'))
}
