{{/* What no schema can say: values that do not go together. The first one found ends the render. */}}
{{- define "regcluster.checks" -}}
{{- $store := .Values.store -}}
{{- $stores := list .Values.valkey.enabled $store.url $store.existingSecret.name | compact | len -}}
{{- if ne $stores 1 -}}
{{- fail "give one of store.url, store.existingSecret.name and valkey.enabled: nodes need a store that all of them share" -}}
{{- end -}}
{{- if regexMatch "://[^@]*:[^@$][^@]*@" $store.url -}}
{{- fail "store.url holds a password that everybody could read in the pods: write $(STORE_PASSWORD) and name a secret in store.credentials.existingSecret, or name one with the whole URL in store.existingSecret" -}}
{{- end -}}
{{- if and (regexMatch "[$][(]STORE_(USERNAME|PASSWORD)[)]" $store.url) (not $store.credentials.existingSecret) -}}
{{- fail "store.url names what store.credentials.existingSecret does not give" -}}
{{- end -}}
{{- if and $store.tls.existingSecret $store.url (not (hasPrefix "rediss" $store.url)) -}}
{{- fail "store.tls is for rediss://, and store.url begins otherwise" -}}
{{- end -}}
{{- if hasPrefix "embedded" $store.url -}}
{{- fail "an embedded store belongs to one node alone: set valkey.enabled for a trial" -}}
{{- end -}}
{{- $listeners := include "regcluster.listeners" . | fromYamlArray -}}
{{- if not $listeners -}}
{{- fail "sip.udp, sip.tcp and sip.proxied are all off: there is nothing to listen on" -}}
{{- end -}}
{{- if and .Values.sip.proxied.enabled (not .Values.sip.proxied.from) -}}
{{- fail "sip.proxied.from is empty, so that no balancer may come to sip.proxied" -}}
{{- end -}}
{{- if and .Values.routeScript.source .Values.routeScript.existingConfigMap.name -}}
{{- fail "give routeScript.source or routeScript.existingConfigMap.name, not both" -}}
{{- end -}}
{{- $scaled := or .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled -}}
{{- fail "autoscaling and keda would both scale the nodes: switch one of them off" -}}
{{- end -}}
{{- if and $scaled (eq .Values.kind "DaemonSet") -}}
{{- fail "a DaemonSet runs one node a machine: nothing can scale it but more machines" -}}
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.keda.prometheus.serverAddress) (not .Values.keda.triggers) -}}
{{- fail "keda.enabled needs keda.prometheus.serverAddress, or triggers of your own" -}}
{{- end -}}
{{- $drain := float64 (include "regcluster.drain" .) -}}
{{- if le (float64 (include "regcluster.grace" .)) $drain -}}
{{- fail (printf "terminationGracePeriodSeconds has to be more than settings.node.drain_s (%vs), or nodes are killed while they drain" $drain) -}}
{{- end -}}
{{- $taken := list (int .Values.http.port) -}}
{{- range $listeners -}}
{{- if and (eq .protocol "TCP") (has (int .port) $taken) -}}
{{- fail (printf "sip.%s listens on port %v, which is taken" .kind .port) -}}
{{- end -}}
{{- $taken = append $taken (int .port) -}}
{{- end -}}
{{- end -}}
