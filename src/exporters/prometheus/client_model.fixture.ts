/** An oracle for what Prometheus reads of a scrape in protobuf. Tests only. */
import protobuf from 'protobufjs'
import type { Message } from '../../otlp/codec.ts'

/** Asks for it. */
export const PROTOBUF =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=allow-utf-8'

/** Written from Prometheus' client model; field numbers are its own. */
const { root } = protobuf.parse(`
  syntax = "proto2";
  message Time { optional int64 seconds = 1; optional int32 nanos = 2; }
  message LabelPair { optional string name = 1; optional string value = 2; }
  message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Time timestamp = 3; }
  message Gauge { optional double value = 1; }
  message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Time created_timestamp = 3; }
  message Quantile { optional double quantile = 1; optional double value = 2; }
  message Summary {
    optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Quantile quantile = 3;
    optional Time created_timestamp = 4;
  }
  message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; optional Exemplar exemplar = 3; }
  message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
  message Histogram {
    optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3;
    optional sint32 schema = 5; optional double zero_threshold = 6; optional uint64 zero_count = 7;
    repeated BucketSpan negative_span = 9; repeated sint64 negative_delta = 10 [packed = true];
    repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13 [packed = true];
    optional Time created_timestamp = 15; repeated Exemplar exemplars = 16;
  }
  message Metric {
    repeated LabelPair label = 1; optional Gauge gauge = 2; optional Counter counter = 3; optional Summary summary = 4;
    optional int64 timestamp_ms = 6; optional Histogram histogram = 7;
  }
  enum MetricType { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; }
  message MetricFamily {
    optional string name = 1; optional string help = 2; optional MetricType type = 3; repeated Metric metric = 4;
  }
`)

/** Messages with their lengths before them, 64-bit integers as numbers, enums as names. */
export function readFamilies(bytes: Uint8Array): Message[] {
  const reader = protobuf.Reader.create(bytes)
  const type = root.lookupType('MetricFamily')
  const found: Message[] = []
  while (reader.pos < reader.len)
    found.push(type.toObject(type.decodeDelimited(reader), { longs: Number, enums: String }) as Message)
  return found
}
