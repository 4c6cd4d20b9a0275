{{- /* The settings of every role but the secret ones, as data of a ConfigMap. */ -}}
{{- define "fx.settings" -}}
{{- with .Values.settings }}
{{- toYaml . }}
{{- end }}
FX_DRAIN_MS: {{ mul .Values.drainSeconds 1000 | quote }}
{{- /* The Job has done it, or a person. A pod that finds an old schema ends, and is started again. */}}
FX_CATALOG_MIGRATE: "false"
{{- with .Values.manager.ingress }}
{{- if .enabled }}
FX_URL: {{ printf "%s://%s" (ternary "https" "http" (ne .tlsSecret "")) .host | quote }}
{{- end }}
{{- end }}
{{- end }}
