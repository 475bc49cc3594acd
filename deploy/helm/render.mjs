/**
 * Writes the Kustomize base, which is what the chart makes of deploy/kustomize/values.yaml: `node deploy/helm/render.mjs`.
 * It needs helm 3.14 or later on PATH, or its path in HELM.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '..');
const args = [
  'template',
  'holdfast',
  join(folder, 'helm/holdfast'),
  '-f',
  join(folder, 'kustomize/values.yaml'),
];
const rendered = execFileSync(process.env.HELM || 'helm', args, { encoding: 'utf8' });
const heading =
  '# Made from the chart by deploy/helm/render.mjs; change the chart, or patch this in an overlay.\n';
writeFileSync(join(folder, 'kustomize/base/holdfast.yaml'), heading + rendered.replaceAll(/[ \t]+$/gm, ''));
