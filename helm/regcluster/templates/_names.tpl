{{/* Names and labels. Most take the root; those of a component take (list $ "node"). */}}

{{- define "regcluster.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for "-headless" behind it. */}}
{{- define "regcluster.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $both := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $both .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "regcluster.serviceAccount" -}}
{{- $own := ternary (include "regcluster.fullname" .) "default" .Values.serviceAccount.create -}}
{{- default $own .Values.serviceAccount.name -}}
{{- end -}}

{{/* What every object has, below its name. */}}
{{- define "regcluster.metadata" -}}
{{- $root := first . -}}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "regcluster.labels" . | nindent 2 }}
{{- with $root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "regcluster.labels" -}}
{{- $root := first . -}}
{{- $own := include "regcluster.selector" . | fromYaml -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $own "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "regcluster" -}}
{{- merge $own $root.Values.commonLabels | toYaml -}}
{{- end -}}

{{/* What finds the pods of a component, and of no other. */}}
{{- define "regcluster.selector" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "regcluster.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end -}}

{{/* Takes the values of an image and the tag to use where they have none. */}}
{{- define "regcluster.image" -}}
{{- $image := first . -}}
{{- $place := empty $image.registry | ternary $image.repository (printf "%s/%s" $image.registry $image.repository) -}}
{{- if $image.digest -}}
{{ $place }}@{{ $image.digest }}
{{- else -}}
{{ $place }}:{{ default (last .) $image.tag }}
{{- end -}}
{{- end -}}
