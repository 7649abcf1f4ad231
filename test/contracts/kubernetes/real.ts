import { join } from 'node:path';
import { expect, vi } from 'vitest';

import type { Trainer } from '../../../adapters/trainer/port.js';
import type { Rule } from './api-server.js';
import { buildControlPlane } from './build.js';
import type { Image } from './container.js';
import { type RealControlPlane, startControlPlane } from './control-plane.js';
import { RealNode } from './node.js';
import type { KubeObject } from './objects.js';
import { documentedRules, newKey, patience, type Reach } from './suite.js';

/** Kubernetes with one node, whose kubelet and scheduler are `RealNode`. */
export interface RealCluster extends RealControlPlane {
  node: RealNode;
  /** The job's node is gone; returns when Kubernetes knows. */
  crash(job: string): Promise<void>;
  /** Whom the trainer is: a service account with the documented Role. */
  reach: Reach;
  /** A service account with these rights in the namespace; answers its token. */
  account(name: string, rules: Rule[]): Promise<string>;
}

const core = '/api/v1/namespaces/ml';
const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/ml';

/** Starts the cluster with a namespace `ml`; builds its programs first, the first time. */
export async function startRealCluster(folder: string, image: Image): Promise<RealCluster> {
  const plane = await startControlPlane(await buildControlPlane(), join(folder, 'plane'));
  const { admin, url, certificates } = plane;
  const node = new RealNode(admin, certificates, { folder: join(folder, 'node'), image });
  const close = async (): Promise<void> => {
    await node.close();
    await plane.close();
  };
  const account = async (name: string, rules: Rule[]): Promise<string> => {
    const metadata = { name };
    await admin.ask('POST', `${core}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    await allow(plane, name, { kind: 'ServiceAccount', name, namespace: 'ml' }, rules);
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const made = await admin.ask<{ status: { token: string } }>(
      'POST',
      `${core}/serviceaccounts/${name}/token`,
      request,
    );
    return made.status.token;
  };
  try {
    await admin.ask('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ml' } });
    const rules = await documentedRules();
    const token = await account('slipway', rules);
    // Whom the client certificate names.
    await allow(plane, 'ada', { kind: 'User', name: 'ada', apiGroup: 'rbac.authorization.k8s.io' }, rules);
    // Pods are refused until a controller has made it.
    await vi.waitFor(() => admin.ask('GET', `${core}/serviceaccounts/default`), patience);
    await node.start();
    return {
      ...plane,
      node,
      crash: (job) => crash(plane, node, job),
      account,
      reach: { url, ca: certificates.ca, token },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function allow({ admin }: RealControlPlane, name: string, subject: object, rules: Rule[]): Promise<void> {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name };
  await admin.ask('POST', `${rbac}/roles`, { apiVersion, kind: 'Role', metadata, rules });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name };
  await admin.ask('POST', `${rbac}/rolebindings`, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    subjects: [subject],
    roleRef,
  });
}

async function crash({ admin }: RealControlPlane, node: RealNode, job: string): Promise<void> {
  await node.crash(job);
  const conditions = async () => {
    const found = await admin.find<KubeObject>(`/apis/batch/v1/namespaces/ml/jobs/${job}`);
    return (found?.status.conditions as { type: string }[] | undefined)?.map(({ type }) => type);
  };
  await expect.poll(conditions, patience).toContain('Failed');
  await expect.poll(() => node.podsOf(job), patience).toEqual([]);
}

/** Returns when the trainer's rights hold: a Role takes effect a moment after it was made. */
export async function letIn(trainer: Trainer): Promise<void> {
  await vi.waitFor(() => trainer.find(newKey()), patience);
}
