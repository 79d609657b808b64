// Field tables of the wire format, one type a line: name, then `json:number=type`. `*` marks a pointer (its zero value is sent),
// `[]` a list, `map.` a map by string, `...` a struct whose fields appear in the outer one; `~key` merges a list by key in strategic
// merge patch (`~!key` also retains keys), `^` retains keys of a struct, `@keys` names the list-map keys of managed fields,
// `@` alone a set and `!` an atomic map. Names, numbers and types are those of k8s.io/api 0.32.
/** Named scalar types of core/v1. */
export const coreScalars = `
scalars AppArmorProfileType=string AzureDataDiskCachingMode=string AzureDataDiskKind=string Capability=string ConditionStatus=string
  ContainerRestartPolicy=string DNSPolicy=string FinalizerName=string HostPathType=string IPFamily=string IPFamilyPolicy=string
  LoadBalancerIPMode=string MountPropagationMode=string NamespaceConditionType=string NamespacePhase=string NodeAddressType=string
  NodeConditionType=string NodeInclusionPolicy=string NodePhase=string NodeSelectorOperator=string OSName=string PersistentVolumeAccessMode=string
  PersistentVolumeMode=string PodConditionType=string PodFSGroupChangePolicy=string PodPhase=string PodQOSClass=string PodResizeStatus=string
  PodSELinuxChangePolicy=string PreemptionPolicy=string ProcMountType=string Protocol=string PullPolicy=string RecursiveReadOnlyMode=string
  ResourceHealthStatus=string ResourceID=string ResourceName=string ResourceResizeRestartPolicy=string RestartPolicy=string SeccompProfileType=string
  SecretType=string ServiceAffinity=string ServiceExternalTrafficPolicy=string ServiceInternalTrafficPolicy=string ServiceType=string
  StorageMedium=string SupplementalGroupsPolicy=string TaintEffect=string TerminationMessagePolicy=string TolerationOperator=string URIScheme=string
  UniqueVolumeName=string UnsatisfiableConstraintAction=string
`;

/** Pod and its specification, core/v1 as of Kubernetes 1.32. */
export const corePod = `
Pod metadata:1=meta.ObjectMeta spec:2=PodSpec status:3=PodStatus
PodSpec volumes:1=[]Volume~!name@name initContainers:20=[]Container~name@name containers:2=[]Container~name@name
  ephemeralContainers:34=[]EphemeralContainer~name@name restartPolicy:3=RestartPolicy terminationGracePeriodSeconds:4=*int64
  activeDeadlineSeconds:5=*int64 dnsPolicy:6=DNSPolicy nodeSelector:7=map.string! serviceAccountName:8=string serviceAccount:9=string
  automountServiceAccountToken:21=*bool nodeName:10=string hostNetwork:11=bool hostPID:12=bool hostIPC:13=bool shareProcessNamespace:27=*bool
  securityContext:14=*PodSecurityContext imagePullSecrets:15=[]LocalObjectReference~name@name hostname:16=string subdomain:17=string
  affinity:18=*Affinity schedulerName:19=string tolerations:22=[]Toleration hostAliases:23=[]HostAlias~ip@ip priorityClassName:24=string
  priority:25=*int32 dnsConfig:26=*PodDNSConfig readinessGates:28=[]PodReadinessGate runtimeClassName:29=*string enableServiceLinks:30=*bool
  preemptionPolicy:31=*PreemptionPolicy overhead:32=map.Quantity
  topologySpreadConstraints:33=[]TopologySpreadConstraint~topologyKey@topologyKey,whenUnsatisfiable setHostnameAsFQDN:35=*bool os:36=*PodOS
  hostUsers:37=*bool schedulingGates:38=[]PodSchedulingGate~name@name resourceClaims:39=[]PodResourceClaim~!name@name
  resources:40=*ResourceRequirements
Volume name:1=string ...VolumeSource:2
Container name:1=string image:2=string command:3=[]string args:4=[]string workingDir:5=string
  ports:6=[]ContainerPort~containerPort@containerPort,protocol envFrom:19=[]EnvFromSource env:7=[]EnvVar~name@name resources:8=ResourceRequirements
  resizePolicy:23=[]ContainerResizePolicy restartPolicy:24=*ContainerRestartPolicy volumeMounts:9=[]VolumeMount~mountPath@mountPath
  volumeDevices:21=[]VolumeDevice~devicePath@devicePath livenessProbe:10=*Probe readinessProbe:11=*Probe startupProbe:22=*Probe
  lifecycle:12=*Lifecycle terminationMessagePath:13=string terminationMessagePolicy:20=TerminationMessagePolicy imagePullPolicy:14=PullPolicy
  securityContext:15=*SecurityContext stdin:16=bool stdinOnce:17=bool tty:18=bool
EphemeralContainer ...EphemeralContainerCommon:1 targetContainerName:2=string
PodSecurityContext seLinuxOptions:1=*SELinuxOptions windowsOptions:8=*WindowsSecurityContextOptions runAsUser:2=*int64 runAsGroup:6=*int64
  runAsNonRoot:3=*bool supplementalGroups:4=[]int64 supplementalGroupsPolicy:12=*SupplementalGroupsPolicy fsGroup:5=*int64 sysctls:7=[]Sysctl
  fsGroupChangePolicy:9=*PodFSGroupChangePolicy seccompProfile:10=*SeccompProfile appArmorProfile:11=*AppArmorProfile
  seLinuxChangePolicy:13=*PodSELinuxChangePolicy
Affinity nodeAffinity:1=*NodeAffinity podAffinity:2=*PodAffinity podAntiAffinity:3=*PodAntiAffinity
Toleration key:1=string operator:2=TolerationOperator value:3=string effect:4=TaintEffect tolerationSeconds:5=*int64
HostAlias ip:1=string hostnames:2=[]string
PodDNSConfig nameservers:1=[]string searches:2=[]string options:3=[]PodDNSConfigOption
PodReadinessGate conditionType:1=PodConditionType
TopologySpreadConstraint maxSkew:1=int32 topologyKey:2=string whenUnsatisfiable:3=UnsatisfiableConstraintAction labelSelector:4=*meta.LabelSelector
  minDomains:5=*int32 nodeAffinityPolicy:6=*NodeInclusionPolicy nodeTaintsPolicy:7=*NodeInclusionPolicy matchLabelKeys:8=[]string
PodOS name:1=OSName
PodSchedulingGate name:1=string
PodResourceClaim name:1=string resourceClaimName:3=*string resourceClaimTemplateName:4=*string
ResourceRequirements limits:1=map.Quantity requests:2=map.Quantity claims:3=[]ResourceClaim@name
PodTemplateSpec metadata:1=meta.ObjectMeta spec:2=PodSpec
ContainerPort name:1=string hostPort:2=int32 containerPort:3=int32 protocol:4=Protocol hostIP:5=string
EnvFromSource prefix:1=string configMapRef:2=*ConfigMapEnvSource secretRef:3=*SecretEnvSource
EnvVar name:1=string value:2=string valueFrom:3=*EnvVarSource
ContainerResizePolicy resourceName:1=ResourceName restartPolicy:2=ResourceResizeRestartPolicy
VolumeMount name:1=string readOnly:2=bool recursiveReadOnly:7=*RecursiveReadOnlyMode mountPath:3=string subPath:4=string
  mountPropagation:5=*MountPropagationMode subPathExpr:6=string
VolumeDevice name:1=string devicePath:2=string
Probe ...ProbeHandler:1 initialDelaySeconds:2=int32 timeoutSeconds:3=int32 periodSeconds:4=int32 successThreshold:5=int32 failureThreshold:6=int32
  terminationGracePeriodSeconds:7=*int64
Lifecycle postStart:1=*LifecycleHandler preStop:2=*LifecycleHandler
SecurityContext capabilities:1=*Capabilities privileged:2=*bool seLinuxOptions:3=*SELinuxOptions windowsOptions:10=*WindowsSecurityContextOptions
  runAsUser:4=*int64 runAsGroup:8=*int64 runAsNonRoot:5=*bool readOnlyRootFilesystem:6=*bool allowPrivilegeEscalation:7=*bool
  procMount:9=*ProcMountType seccompProfile:11=*SeccompProfile appArmorProfile:12=*AppArmorProfile
EphemeralContainerCommon name:1=string image:2=string command:3=[]string args:4=[]string workingDir:5=string
  ports:6=[]ContainerPort~containerPort@containerPort,protocol envFrom:19=[]EnvFromSource env:7=[]EnvVar~name@name resources:8=ResourceRequirements
  resizePolicy:23=[]ContainerResizePolicy restartPolicy:24=*ContainerRestartPolicy volumeMounts:9=[]VolumeMount~mountPath@mountPath
  volumeDevices:21=[]VolumeDevice~devicePath@devicePath livenessProbe:10=*Probe readinessProbe:11=*Probe startupProbe:22=*Probe
  lifecycle:12=*Lifecycle terminationMessagePath:13=string terminationMessagePolicy:20=TerminationMessagePolicy imagePullPolicy:14=PullPolicy
  securityContext:15=*SecurityContext stdin:16=bool stdinOnce:17=bool tty:18=bool
SELinuxOptions user:1=string role:2=string type:3=string level:4=string
WindowsSecurityContextOptions gmsaCredentialSpecName:1=*string gmsaCredentialSpec:2=*string runAsUserName:3=*string hostProcess:4=*bool
Sysctl name:1=string value:2=string
SeccompProfile type:1=SeccompProfileType localhostProfile:2=*string
AppArmorProfile type:1=AppArmorProfileType localhostProfile:2=*string
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution:1=*NodeSelector
  preferredDuringSchedulingIgnoredDuringExecution:2=[]PreferredSchedulingTerm
PodAffinity requiredDuringSchedulingIgnoredDuringExecution:1=[]PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution:2=[]WeightedPodAffinityTerm
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution:1=[]PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution:2=[]WeightedPodAffinityTerm
PodDNSConfigOption name:1=string value:2=*string
ResourceClaim name:1=string request:2=string
ConfigMapEnvSource ...LocalObjectReference:1 optional:2=*bool
SecretEnvSource ...LocalObjectReference:1 optional:2=*bool
EnvVarSource fieldRef:1=*ObjectFieldSelector resourceFieldRef:2=*ResourceFieldSelector configMapKeyRef:3=*ConfigMapKeySelector
  secretKeyRef:4=*SecretKeySelector
ProbeHandler exec:1=*ExecAction httpGet:2=*HTTPGetAction tcpSocket:3=*TCPSocketAction grpc:4=*GRPCAction
LifecycleHandler exec:1=*ExecAction httpGet:2=*HTTPGetAction tcpSocket:3=*TCPSocketAction sleep:4=*SleepAction
Capabilities add:1=[]Capability drop:2=[]Capability
NodeSelector nodeSelectorTerms:1=[]NodeSelectorTerm
PreferredSchedulingTerm weight:1=int32 preference:2=NodeSelectorTerm
PodAffinityTerm labelSelector:1=*meta.LabelSelector namespaces:2=[]string topologyKey:3=string namespaceSelector:4=*meta.LabelSelector
  matchLabelKeys:5=[]string mismatchLabelKeys:6=[]string
WeightedPodAffinityTerm weight:1=int32 podAffinityTerm:2=PodAffinityTerm
ObjectFieldSelector apiVersion:1=string fieldPath:2=string
ResourceFieldSelector containerName:1=string resource:2=string divisor:3=Quantity
ConfigMapKeySelector ...LocalObjectReference:1 key:2=string optional:3=*bool
SecretKeySelector ...LocalObjectReference:1 key:2=string optional:3=*bool
ExecAction command:1=[]string
HTTPGetAction path:1=string port:2=IntOrString host:3=string scheme:4=URIScheme httpHeaders:5=[]HTTPHeader
TCPSocketAction port:1=IntOrString host:2=string
GRPCAction port:1=int32 service:2=*string
SleepAction seconds:1=int64
NodeSelectorTerm matchExpressions:1=[]NodeSelectorRequirement matchFields:2=[]NodeSelectorRequirement
HTTPHeader name:1=string value:2=string
NodeSelectorRequirement key:1=string operator:2=NodeSelectorOperator values:3=[]string
`;
