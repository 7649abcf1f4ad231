import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** Typed keys of `plan/names.ts`'s search attributes. */
export const attributes = {
  Environment: defineSearchAttributeKey('Environment', SearchAttributeType.KEYWORD),
  PlanDigest: defineSearchAttributeKey('PlanDigest', SearchAttributeType.KEYWORD),
  Stage: defineSearchAttributeKey('Stage', SearchAttributeType.KEYWORD),
  ModelVersion: defineSearchAttributeKey('ModelVersion', SearchAttributeType.KEYWORD),
  Outcome: defineSearchAttributeKey('Outcome', SearchAttributeType.KEYWORD),
  AwaitingApproval: defineSearchAttributeKey('AwaitingApproval', SearchAttributeType.BOOL),
} as const;
