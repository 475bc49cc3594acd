{{- /* What every template uses: names, labels, and how a container is restricted. */ -}}
{{- define "holdfast.labels" -}}
app.kubernetes.io/name: holdfast
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- /* Takes (list $ component). */ -}}
{{- define "holdfast.selector" -}}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "holdfast.image" -}}
{{ .Values.image.repository }}{{ with .Values.image.tag }}:{{ . }}{{ end }}
{{- end }}

{{- define "holdfast.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "holdfast.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{- /* Where the nodes and the data Redis are. Passwords come from secrets. */ -}}
{{- define "holdfast.env" -}}
{{- $auth := "" }}
{{- if and .Values.nodes.enabled .Values.nodes.existingSecret }}
{{- $auth = ":$(HOLDFAST_NODE_PASSWORD)@" }}
- name: HOLDFAST_NODE_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .Values.nodes.existingSecret }}
      key: password
{{- end }}
{{- if .Values.nodes.enabled }}
{{- $urls := list }}
{{- range $n := until (int .Values.nodes.count) }}
{{- $urls = append $urls (printf "redis://%s%s-node-%d:6379" $auth $.Release.Name $n) }}
{{- end }}
- name: HOLDFAST_NODES
  value: {{ join "," $urls | quote }}
{{- else if .Values.nodes.urls }}
- name: HOLDFAST_NODES
  value: {{ join "," .Values.nodes.urls | quote }}
{{- end }}
{{- if eq .Values.nodes.persistence "synchronous" }}
- name: HOLDFAST_PERSISTENCE
  value: synchronous
{{- end }}
{{- if .Values.dataRedis.existingSecret }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.dataRedis.existingSecret }}
      key: url
{{- else if .Values.dataRedis.enabled }}
- name: REDIS_URL
  value: redis://{{ .Release.Name }}-data:6379
{{- else if .Values.dataRedis.url }}
- name: REDIS_URL
  value: {{ .Values.dataRedis.url | quote }}
{{- end }}
{{- end }}

{{- define "holdfast.hasData" -}}
{{- if or .Values.dataRedis.enabled .Values.dataRedis.url .Values.dataRedis.existingSecret }}yes{{ end }}
{{- end }}
