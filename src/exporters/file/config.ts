import { z } from 'zod'

export const schema = z.strictObject({
  path: z.string().min(1).describe('The file. Its directory must exist.'),
  format: z
    .enum(['json', 'proto'])
    .default('json')
    .describe(
      'json: one OTLP/JSON request a line; proto: requests as protobuf, before each its length in four bytes, big-endian.',
    ),
  append: z.boolean().default(true).describe('False: the file is emptied at start.'),
  rotation: z
    .strictObject({
      max_megabytes: z.int().min(1).default(100).describe('The file is put aside before it grows beyond this (MiB).'),
      max_days: z
        .int()
        .min(0)
        .default(0)
        .describe('Files put aside are deleted after so many days; 0: never for their age.'),
      max_backups: z.int().min(0).default(100).describe('So many files put aside are kept; 0: all.'),
    })
    .optional()
    .describe('Put the file aside when it is full; without it, the file grows without limit.'),
  allow_raw_content: z.boolean().default(false).describe('True: may get telemetry that no redaction has seen.'),
})

export type FileConfig = z.output<typeof schema>
export type Rotation = NonNullable<FileConfig['rotation']>
