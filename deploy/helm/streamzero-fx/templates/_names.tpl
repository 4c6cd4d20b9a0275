{{- define "fx.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- /* What a selector says. It never changes: a deployment's cannot be. */ -}}
{{- define "fx.selector" -}}
app.kubernetes.io/name: streamzero-fx
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fx.labels" -}}
{{ include "fx.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "fx.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "fx.secret" -}}
{{ required "existingSecret must name a Secret with FX_TOKEN, FX_SECRETS_KEY, FX_CATALOG_URL and the passwords of the engines" .Values.existingSecret }}
{{- end }}
