{{/* metadata.name: lower-case letters, digits and hyphens, 63 at most. */}}
{{- define "evenkeel.name" -}}
{{- default .Release.Name .Values.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* `spec`, with the convenience values laid over it; what they leave empty stays as `spec` says. */}}
{{- define "evenkeel.spec" -}}
{{- $spec := deepCopy .Values.spec -}}
{{- with .Values.region }}{{- $spec = mergeOverwrite $spec (dict "placement" (dict "region" .)) }}{{- end -}}
{{- with .Values.cluster }}{{- $spec = mergeOverwrite $spec (dict "placement" (dict "cluster" .)) }}{{- end -}}
{{- toYaml $spec -}}
{{- end -}}

{{/* The whole document. */}}
{{- define "evenkeel.document" -}}
apiVersion: evenkeel.dev/v1alpha1
kind: Application
metadata:
  name: {{ include "evenkeel.name" . }}
  {{- with .Values.labels }}
  labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "evenkeel.spec" . | nindent 2 }}
{{- end -}}
