/**
 * Bounds of histograms. Those of the conventions' metrics are the conventions'; our own lie on the thresholds that people alert
 * on, and reach as far as calls of reasoning models do.
 */

/** Of the OpenTelemetry GenAI conventions: durations of operations, of requests to a server, of tools, and times to or between chunks. */
export const SEMCONV_DURATION_BOUNDS_S = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]
/** … of runs of agents, and of the calls in one, … */
export const SEMCONV_RUN_BOUNDS_S = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6]
export const SEMCONV_RUN_CALLS_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128]
/** … of a server's first token, … */
export const SEMCONV_FIRST_TOKEN_BOUNDS_S = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]
/** … and of its tokens after the first. */
export const SEMCONV_PER_TOKEN_BOUNDS_S = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5]
export const SEMCONV_TOKEN_BOUNDS = [
  1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
]

/** Up to an hour. */
export const DURATION_BOUNDS_S = [0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 60, 120, 300, 600, 1800, 3600]
export const LATENCY_BOUNDS_MS = DURATION_BOUNDS_S.map((bound) => bound * 1000)
export const FIRST_TOKEN_BOUNDS_S = [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120]
export const PER_TOKEN_BOUNDS_S = [0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5]
export const QUEUE_BOUNDS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.2, 0.5, 0.8, 1, 2, 5, 10, 30, 60, 120]
export const COST_BOUNDS_USD = [0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
export const SCORE_BOUNDS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
/** Parts of the context window. */
export const UTILIZATION_BOUNDS = [0.05, 0.1, 0.25, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1]
