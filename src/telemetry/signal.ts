/** The kinds of telemetry that Sluice takes. */
export type Signal = 'traces' | 'metrics' | 'logs'
