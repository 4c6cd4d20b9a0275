{{- /* What pods of every role and of the Job have in common. */ -}}

{{- define "fx.pod-security" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "fx.container-security" -}}
allowPrivilegeEscalation: false
capabilities: { drop: [ALL] }
{{- end }}

{{- define "fx.mounts" -}}
- { name: data, mountPath: /data }
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fx.volumes" -}}
- { name: data, emptyDir: {} }
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Longer than the wait before SIGTERM (5 s), the drain and the grace of killed scripts together, by fifteen seconds. */ -}}
{{- define "fx.termination-seconds" -}}
{{- $graceMs := .Values.settings.FX_EXECUTOR_KILL_GRACE_MS | default "5000" | atoi -}}
{{ add .Values.drainSeconds (divf $graceMs 1000 | ceil) 20 }}
{{- end }}
