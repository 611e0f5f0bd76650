{{/* The settings file: values as they are given, and what only the chart can know. */}}

{{/* TOML, for JSON's texts, numbers and lists are TOML's too. A number that YAML read as 5.0 is
     written 5 by toJson, and stays a whole number. */}}
{{- define "regcluster.toml" -}}
{{- $settings := deepCopy .Values.settings -}}
{{- $listen := dict "udp" list "tcp" list -}}
{{- range include "regcluster.listeners" . | fromYamlArray -}}
{{- $port := int .port -}}
{{- $addresses := list -}}
{{- range $.Values.bind -}}
{{- $addresses = append $addresses (printf "%s:%d" . $port) -}}
{{- end -}}
{{- $_ := set $listen .setting $addresses -}}
{{- end -}}
{{- if .Values.sip.proxied.enabled -}}
{{- $_ := set $listen "proxied_from" .Values.sip.proxied.from -}}
{{- end -}}
{{- $http := dict "listen" (printf "%s:%d" (first .Values.bind) (int .Values.http.port)) -}}
{{- if .Values.api.existingSecret.name -}}
{{- $_ := set $http "token_file" "/etc/regcluster/api/tokens" -}}
{{- end -}}
{{- $own := dict "listen" $listen "http" $http -}}
{{- if include "regcluster.script" . -}}
{{- $_ := set $own "routing" (dict "script" "/etc/regcluster/script/route.py") -}}
{{- end -}}
# Written by the chart from its values.
{{- range $section, $values := mergeOverwrite $settings $own }}

[{{ $section }}]
{{- range $key, $value := $values }}
{{ $key }} = {{ toJson $value }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The ways in for SIP that are open, as a list. */}}
{{- define "regcluster.listeners" -}}
{{- range $kind, $setting := dict "udp" "udp" "tcp" "tcp" "proxied" "tcp_proxied" -}}
{{- $values := index $.Values.sip $kind -}}
{{- if $values.enabled }}
- kind: {{ $kind }}
  setting: {{ $setting }}
  port: {{ default $.Values.sip.port (get $values "port") }}
  protocol: {{ ternary "UDP" "TCP" (eq $kind "udp") }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The ConfigMap that holds the route script; empty without one. */}}
{{- define "regcluster.script" -}}
{{- if .Values.routeScript.source -}}
{{ include "regcluster.fullname" . }}
{{- else -}}
{{ .Values.routeScript.existingConfigMap.name }}
{{- end -}}
{{- end -}}

{{/* store.url, where it is no secret. */}}
{{- define "regcluster.storeUrl" -}}
{{- if .Values.valkey.enabled -}}
redis://{{ include "regcluster.fullname" . }}-valkey:6379/0
{{- else -}}
{{- $tls := .Values.store.tls -}}
{{- $arguments := list -}}
{{- if $tls.existingSecret -}}
{{- $names := dict "ssl_ca_certs" $tls.caKey "ssl_certfile" $tls.certKey "ssl_keyfile" $tls.keyKey -}}
{{- range $name, $file := $names -}}
{{- if $file -}}
{{- $arguments = append $arguments (printf "%s=/etc/regcluster/store-tls/%s" $name $file) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $mark := contains "?" .Values.store.url | ternary "&" "?" -}}
{{ .Values.store.url }}{{ if $arguments }}{{ $mark }}{{ join "&" $arguments }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Seconds that a node takes to end, at most; 10 is its own default. */}}
{{- define "regcluster.drain" -}}
{{- dig "node" "drain_s" 10 .Values.settings -}}
{{- end -}}

{{/* Seconds that a pod is given to end. */}}
{{- define "regcluster.grace" -}}
{{- default (add 5 (include "regcluster.drain" . | float64 | ceil)) .Values.terminationGracePeriodSeconds | int -}}
{{- end -}}
