#!/bin/sh
# Starts Kafka (KRaft) in the stand-in image, told what to do as the public apache/kafka image is: KAFKA_LISTENERS becomes
# listeners, KAFKA_A_B becomes a.b, two underscores become one, three a dash. CLUSTER_ID names the cluster, KAFKA_HEAP_OPTS
# and KAFKA_OPTS go to Java. Nothing given: a single node, reached at localhost:9092. Data: /var/lib/kafka/data.
set -eu
properties=/tmp/server.properties

defaults() {
  cat <<'END'
node.id=1
process.roles=broker,controller
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
advertised.listeners=PLAINTEXT://localhost:9092
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
log.dirs=/var/lib/kafka/data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
END
  if [ -z "${KAFKA_CONTROLLER_QUORUM_VOTERS:-}${KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS:-}" ]; then
    echo controller.quorum.voters=1@localhost:9093
  fi
}

# Properties that come later win.
given() {
  awk 'BEGIN {
    for (name in ENVIRON) {
      if (name !~ /^KAFKA_/ || name ~ /^KAFKA_(OPTS|VERSION|(HEAP|JMX|GC_LOG|LOG4J|JVM_PERFORMANCE)_OPTS|LOG4J_.*|TOOLS_LOG4J_.*|JMX_.*)$/) continue
      property = tolower(substr(name, 7)); value = ENVIRON[name]
      gsub(/___/, "-", property); gsub(/__/, "\001", property); gsub(/_/, ".", property); gsub(/\001/, "_", property)
      gsub(/\\/, "\\\\", value)
      print property "=" value
    }
  }'
}

java_command() {
  # The options are several words on purpose.
  # shellcheck disable=SC2086
  exec java ${KAFKA_HEAP_OPTS:--Xms512m -Xmx512m} -Dorg.slf4j.simpleLogger.defaultLogLevel="${KAFKA_LOG4J_ROOT_LOGLEVEL:-info}" \
    ${KAFKA_OPTS:-} -cp '/opt/kafka/libs/*' "$@"
}

{ defaults; given; } >"$properties"
if [ ! -f "${KAFKA_LOG_DIRS:-/var/lib/kafka/data}/meta.properties" ]; then
  standalone=
  if [ -n "${KAFKA_CONTROLLER_QUORUM_BOOTSTRAP_SERVERS:-}" ]; then standalone=--standalone; fi
  # shellcheck disable=SC2086
  (java_command kafka.tools.StorageTool format --ignore-formatted $standalone \
    -t "${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}" -c "$properties")
fi
java_command kafka.Kafka "$properties"
