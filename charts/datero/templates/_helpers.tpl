{{/* metadata.name: lower-case letters, digits and hyphens, 63 at most. */}}
{{- define "evenkeel.name" -}}
{{- default .Release.Name .Values.name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* `spec`, with the convenience values laid over it; what they leave empty stays as `spec` says. */}}
{{- define "evenkeel.spec" -}}
{{- $spec := deepCopy .Values.spec -}}
{{- with .Values.region }}{{- $spec = mergeOverwrite $spec (dict "placement" (dict "region" .)) }}{{- end -}}
{{- with .Values.cluster }}{{- $spec = mergeOverwrite $spec (dict "placement" (dict "cluster" .)) }}{{- end -}}
{{- with .Values.imageTag }}{{- $spec = mergeOverwrite $spec (dict "imageTag" .) }}{{- end -}}
{{- with .Values.domain }}{{- $spec = mergeOverwrite $spec (dict "domain" .) }}{{- end -}}
{{- with .Values.vpcId }}{{- $spec = mergeOverwrite $spec (dict "network" (dict "vpcId" .)) }}{{- end -}}
{{- with .Values.subnets }}{{- $spec = mergeOverwrite $spec (dict "network" (dict "subnets" .)) }}{{- end -}}
{{- with .Values.securityGroups }}{{- $spec = mergeOverwrite $spec (dict "network" (dict "securityGroups" .)) }}{{- end -}}
{{- with .Values.executionRoleArn }}{{- $spec = mergeOverwrite $spec (dict "roles" (dict "executionRoleArn" .)) }}{{- end -}}
{{- with .Values.taskRoleArn }}{{- $spec = mergeOverwrite $spec (dict "roles" (dict "taskRoleArn" .)) }}{{- end -}}
{{- with .Values.loadBalancer }}{{- $spec = mergeOverwrite $spec (dict "loadBalancer" (dict "loadBalancer" .)) }}{{- end -}}
{{- with .Values.certificateArn }}{{- $spec = mergeOverwrite $spec (dict "loadBalancer" (dict "certificateArn" .)) }}{{- end -}}
{{- with .Values.postgresPassword }}{{- $spec = mergeOverwrite $spec (dict "postgres" (dict "password" .)) }}{{- end -}}
{{- toYaml $spec -}}
{{- end -}}

{{/* The whole document. */}}
{{- define "evenkeel.document" -}}
apiVersion: evenkeel.dev/v1alpha1
kind: Datero
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
