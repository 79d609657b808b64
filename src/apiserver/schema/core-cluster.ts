/** The other kinds of core/v1 as of Kubernetes 1.32. */
export const coreCluster = `
Namespace metadata:1=meta.ObjectMeta spec:2=NamespaceSpec status:3=NamespaceStatus
Event metadata:1=meta.ObjectMeta involvedObject:2=ObjectReference reason:3=string message:4=string source:5=EventSource firstTimestamp:6=Time
  lastTimestamp:7=Time count:8=int32 type:9=string eventTime:10=MicroTime series:11=*EventSeries action:12=string related:13=*ObjectReference
  reportingComponent:14=string reportingInstance:15=string
ConfigMap metadata:1=meta.ObjectMeta immutable:4=*bool data:2=map.string binaryData:3=map.bytes
Secret metadata:1=meta.ObjectMeta immutable:5=*bool data:2=map.bytes stringData:4=map.string type:3=SecretType
Service metadata:1=meta.ObjectMeta spec:2=ServiceSpec status:3=ServiceStatus
ServiceAccount metadata:1=meta.ObjectMeta secrets:2=[]ObjectReference~name@name imagePullSecrets:3=[]LocalObjectReference
  automountServiceAccountToken:4=*bool
Binding metadata:1=meta.ObjectMeta target:2=ObjectReference
NamespaceSpec finalizers:1=[]FinalizerName
NamespaceStatus phase:1=NamespacePhase conditions:2=[]NamespaceCondition~type@type
ObjectReference kind:1=string namespace:2=string name:3=string uid:4=UID apiVersion:5=string resourceVersion:6=string fieldPath:7=string
EventSource component:1=string host:2=string
EventSeries count:1=int32 lastObservedTime:2=MicroTime
ServiceSpec ports:1=[]ServicePort~port@port,protocol selector:2=map.string! clusterIP:3=string clusterIPs:18=[]string type:4=ServiceType
  externalIPs:5=[]string sessionAffinity:7=ServiceAffinity loadBalancerIP:8=string loadBalancerSourceRanges:9=[]string externalName:10=string
  externalTrafficPolicy:11=ServiceExternalTrafficPolicy healthCheckNodePort:12=int32 publishNotReadyAddresses:13=bool
  sessionAffinityConfig:14=*SessionAffinityConfig ipFamilies:19=[]IPFamily ipFamilyPolicy:17=*IPFamilyPolicy allocateLoadBalancerNodePorts:20=*bool
  loadBalancerClass:21=*string internalTrafficPolicy:22=*ServiceInternalTrafficPolicy trafficDistribution:23=*string
ServiceStatus loadBalancer:1=LoadBalancerStatus conditions:2=[]meta.Condition~type@type
LocalObjectReference name:1=string
NamespaceCondition type:1=NamespaceConditionType status:2=ConditionStatus lastTransitionTime:4=Time reason:5=string message:6=string
ServicePort name:1=string protocol:2=Protocol appProtocol:6=*string port:3=int32 targetPort:4=IntOrString nodePort:5=int32
SessionAffinityConfig clientIP:1=*ClientIPConfig
LoadBalancerStatus ingress:1=[]LoadBalancerIngress
ClientIPConfig timeoutSeconds:1=*int32
LoadBalancerIngress ip:1=string hostname:2=string ipMode:3=*LoadBalancerIPMode ports:4=[]PortStatus
PortStatus port:1=int32 protocol:2=Protocol error:3=*string
`;
