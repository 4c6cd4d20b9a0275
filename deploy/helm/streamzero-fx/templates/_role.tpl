{{- /* The deployment of a role and its disruption budget. Takes a dict: root, role. */ -}}
{{- define "fx.role" -}}
{{- $root := .root }}
{{- $role := .role }}
{{- $values := index $root.Values $role }}
{{- $name := printf "%s-%s" (include "fx.name" $root) $role }}
{{- $scales := dig "autoscaling" "enabled" false $values }}
{{- $token := dig "jobs" "enabled" false $values }}
{{- $isCalled := eq $role "manager" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $name }}
  labels:
    {{- include "fx.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
spec:
  {{- if not $scales }}
  replicas: {{ $values.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "fx.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $role }}
  strategy:
    rollingUpdate: { maxSurge: 1, maxUnavailable: 0 }
  template:
    metadata:
      labels:
        {{- include "fx.labels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $role }}
      annotations:
        # A change of settings rolls the pods.
        checksum/settings: {{ include "fx.settings" $root | sha256sum }}
    spec:
      serviceAccountName: {{ if eq $role "executor" }}{{ include "fx.name" $root }}-executor{{ else }}{{ include "fx.name" $root }}{{ end }}
      automountServiceAccountToken: {{ $token }}
      # Of a service named fx-... the cluster would make variables FX_..., which are no settings.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ include "fx.termination-seconds" $root }}
      securityContext:
        {{- include "fx.pod-security" $root | nindent 8 }}
      {{- with $root.Values.pullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "fx.selector" $root | nindent 14 }}
              app.kubernetes.io/component: {{ $role }}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      containers:
        - name: fx
          image: {{ include "fx.image" $root }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          args: [{{ $role }}]
          envFrom:
            - configMapRef: { name: {{ include "fx.name" $root }}-settings }
            - secretRef: { name: {{ include "fx.secret" $root }} }
          {{- with concat $root.Values.extraEnv $values.extraEnv }}
          env:
            {{- toYaml . | nindent 12 }}
          {{- end }}
          ports:
            - { name: http, containerPort: 8080 }
          startupProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /healthz, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: { path: /readyz, port: http }
            periodSeconds: 10
            # /readyz gives an engine five seconds.
            timeoutSeconds: 8
            failureThreshold: 2
          {{- if $isCalled }}
          lifecycle:
            # Until every node has heard that this pod is leaving, callers still come.
            preStop: { exec: { command: [sleep, "5"] } }
          {{- end }}
          resources:
            {{- toYaml $values.resources | nindent 12 }}
          securityContext:
            {{- include "fx.container-security" $root | nindent 12 }}
          volumeMounts:
            {{- include "fx.mounts" $root | nindent 12 }}
      volumes:
        {{- include "fx.volumes" $root | nindent 8 }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $name }}
  labels:
    {{- include "fx.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ $role }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "fx.selector" $root | nindent 6 }}
      app.kubernetes.io/component: {{ $role }}
{{- end }}
