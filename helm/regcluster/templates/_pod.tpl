{{/* The pod of a node; its environment and files serve the test's pod too. */}}

{{- define "regcluster.pod" -}}
metadata:
  labels:
    {{- merge (include "regcluster.labels" (list . "node") | fromYaml) .Values.podLabels | toYaml | nindent 4 }}
  annotations:
    checksum/settings: {{ include "regcluster.toml" . | sha256sum }}
    {{- with .Values.routeScript.source }}
    checksum/script: {{ sha256sum . }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "regcluster.podCommon" . | nindent 2 }}
  {{- if .Values.hostNetwork }}
  hostNetwork: true
  {{- end }}
  {{- with default (ternary "ClusterFirstWithHostNet" "" .Values.hostNetwork) .Values.dnsPolicy }}
  dnsPolicy: {{ . }}
  {{- end }}
  {{- with .Values.dnsConfig }}
  dnsConfig:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  terminationGracePeriodSeconds: {{ include "regcluster.grace" . }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "regcluster.spread" . }}
  topologySpreadConstraints:
    {{- . | trim | nindent 4 }}
  {{- end }}
  {{- with .Values.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: node
      {{- include "regcluster.container" . | nindent 6 }}
      args: ["serve"]
      ports:
        {{- range include "regcluster.listeners" . | fromYamlArray }}
        - name: sip-{{ .kind }}
          containerPort: {{ .port }}
          protocol: {{ .protocol }}
        {{- end }}
        - name: http
          containerPort: {{ .Values.http.port }}
          protocol: TCP
      startupProbe:
        {{- include "regcluster.probe" (list .Values.startupProbe "live") | nindent 8 }}
      livenessProbe:
        {{- include "regcluster.probe" (list .Values.livenessProbe "live") | nindent 8 }}
      readinessProbe:
        {{- include "regcluster.probe" (list .Values.readinessProbe "ready") | nindent 8 }}
      {{- with .Values.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "regcluster.volumes" . | nindent 4 }}
{{- end -}}

{{/* What all pods that run the program have in common. */}}
{{- define "regcluster.podCommon" -}}
serviceAccountName: {{ include "regcluster.serviceAccount" . }}
automountServiceAccountToken: false
# Variables that Kubernetes makes of Services begin with REGCLUSTER_ too.
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "regcluster.container" -}}
image: {{ include "regcluster.image" (list .Values.image .Chart.AppVersion) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.containerSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
command: ["regcluster"]
env:
  - name: REGCLUSTER_CONFIG
    value: /etc/regcluster/settings/regcluster.toml
  - name: REGCLUSTER_NODE__NAME
    valueFrom:
      fieldRef:
        fieldPath: metadata.name
  {{- if and .Values.hostNetwork (not (dig "node" "advertise" "" .Values.settings)) }}
  - name: REGCLUSTER_NODE__ADVERTISE
    valueFrom:
      fieldRef:
        fieldPath: status.hostIP
  {{- end }}
  {{- include "regcluster.storeEnv" . | trim | nindent 2 }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: settings
    mountPath: /etc/regcluster/settings
    readOnly: true
  - name: tmp
    mountPath: /tmp
  {{- if include "regcluster.script" . }}
  - name: script
    mountPath: /etc/regcluster/script
    readOnly: true
  {{- end }}
  {{- if .Values.store.tls.existingSecret }}
  - name: store-tls
    mountPath: /etc/regcluster/store-tls
    readOnly: true
  {{- end }}
  {{- if .Values.api.existingSecret.name }}
  - name: api
    mountPath: /etc/regcluster/api
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Kubernetes puts earlier variables in the place of $(...) in later ones. */}}
{{- define "regcluster.storeEnv" -}}
{{- with .Values.store.credentials }}
{{- if .existingSecret }}
{{- if .usernameKey }}
- name: STORE_USERNAME
  {{- include "regcluster.fromSecret" (list .existingSecret .usernameKey) | nindent 2 }}
{{- end }}
- name: STORE_PASSWORD
  {{- include "regcluster.fromSecret" (list .existingSecret .passwordKey) | nindent 2 }}
{{- end }}
{{- end }}
- name: REGCLUSTER_STORE__URL
{{- with .Values.store.existingSecret }}
{{- if .name }}
  {{- include "regcluster.fromSecret" (list .name .key) | nindent 2 }}
{{- else }}
  value: {{ include "regcluster.storeUrl" $ | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "regcluster.fromSecret" -}}
valueFrom:
  secretKeyRef:
    name: {{ first . }}
    key: {{ last . }}
{{- end -}}

{{- define "regcluster.volumes" -}}
- name: settings
  configMap:
    name: {{ include "regcluster.fullname" . }}
    items:
      - key: regcluster.toml
        path: regcluster.toml
# What workers count lies in memory-mapped files: in memory, where no disk can hold them up.
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{- with include "regcluster.script" . }}
- name: script
  configMap:
    name: {{ . }}
    items:
      - key: {{ ternary "route.py" $.Values.routeScript.existingConfigMap.key (not (empty $.Values.routeScript.source)) }}
        path: route.py
{{- end }}
{{- with .Values.store.tls.existingSecret }}
- name: store-tls
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- with .Values.api.existingSecret }}
{{- if .name }}
- name: api
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    items:
      - key: {{ .key }}
        path: tokens
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "regcluster.probe" -}}
httpGet:
  path: /health/{{ last . }}
  port: http
{{ toYaml (first .) }}
{{- end -}}

{{/* Over zones, then over machines, as far as it goes; or what the values say. */}}
{{- define "regcluster.spread" -}}
{{- if kindIs "slice" .Values.topologySpreadConstraints -}}
{{- with .Values.topologySpreadConstraints -}}
{{ toYaml . }}
{{- end -}}
{{- else if eq .Values.kind "Deployment" -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "regcluster.selector" (list $ "node") | nindent 6 }}
{{- end }}
{{- end -}}
{{- end -}}
