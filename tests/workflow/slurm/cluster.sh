#!/usr/bin/env bash
# A Slurm of one node on loopback, for tests: no systemd, no cgroups, no accounting. Needs root and the Debian packages
# slurm-wlm and munge. All it writes lies in FOLDER, so that several can stand side by side.
#   cluster.sh up FOLDER CONTROLLER_PORT NODE_PORT    start what does not run; ends when the node takes jobs
#   cluster.sh down FOLDER                            cancel all jobs and stop the daemons
# Afterwards, for the commands of Slurm: export SLURM_CONF=FOLDER/slurm.conf PATH=FOLDER/bin:$PATH
set -euo pipefail
command=$1 folder=$2
host=$(hostname -s)
PATH=${PATH//$folder\/bin:/}
export SLURM_CONF=$folder/slurm.conf

lives() { # process number
    [ -d "/proc/$1" ] && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

number_of() { # daemon: prints its process number where it lives
    local number
    [ -s "$folder/run/$1.pid" ] || return 1
    number=$(tr -dc 0-9 <"$folder/run/$1.pid")
    [ -n "$number" ] && grep -qs "^$1" "/proc/$number/comm" && lives "$number" && echo "$number"
}

wait_for() { # seconds, command
    local end=$((SECONDS + $1))
    shift
    until timeout 20 "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

give_up() { # what is wrong, log
    echo "cluster.sh: $1" >&2
    tail -n 20 "$2" >&2 || true
    exit 1
}

write_settings() { # controller port, node port
    mkdir -p "$folder"/{spool,state,log,run,dev,bin}
    chmod 755 "$folder" "$folder"/{spool,state,log,run,dev,bin}
    [ -s "$folder/munge.key" ] || (umask 077 && head -c 128 /dev/urandom >"$folder/munge.key")
    # Slurm wants a device file for a GPU: a copy of /dev/null stands in.
    [ -c "$folder/dev/gpu0" ] || mknod "$folder/dev/gpu0" c 1 3
    echo "NodeName=$host Name=gpu File=$folder/dev/gpu0" >"$folder/gres.conf"
    # Snakemake's executor starts srun without the variables of Slurm: it would not find its settings.
    printf '#!/bin/sh\nSLURM_CONF=%q exec %q "$@"\n' "$SLURM_CONF" "$(command -v srun)" >"$folder/bin/srun"
    chmod 755 "$folder/bin/srun"
    local cpus memory
    cpus=$(nproc)
    memory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo)
    cat >"$SLURM_CONF" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmdPort=$2
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/run/munge.sock
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
ReturnToService=2
SlurmctldTimeout=300
SlurmdTimeout=300
KillWait=5
MinJobAge=600
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/run/slurmctld.pid
SlurmdPidFile=$folder/run/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=$memory Gres=gpu:1 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
CONF
}

up() {
    local socket=$folder/run/munge.sock state
    write_settings "$1" "$2"
    if ! number_of munged >/dev/null; then
        rm -f "$socket"*
        munged --force --key-file="$folder/munge.key" --socket="$socket" --pid-file="$folder/run/munged.pid" \
            --log-file="$folder/log/munged.log" --seed-file="$folder/run/munge.seed" >>"$folder/log/munged.out" 2>&1
    fi
    wait_for 60 sh -c "munge -n -S '$socket' | unmunge -S '$socket'" ||
        give_up "munged does not answer" "$folder/log/munged.log"
    number_of slurmctld >/dev/null || slurmctld -f "$SLURM_CONF"
    wait_for 60 scontrol ping || give_up "slurmctld does not answer" "$folder/log/slurmctld.log"
    number_of slurmd >/dev/null || slurmd -f "$SLURM_CONF" -N "$host"
    state="sinfo -h -n $host -o %T | grep -qE '^(idle|mixed|allocated|completing)\$'"
    wait_for 20 sh -c "$state" || scontrol update nodename="$host" state=resume >/dev/null 2>&1 || true
    wait_for 60 sh -c "$state" || give_up "the node takes no jobs" "$folder/log/slurmd.log"
}

down() {
    local number
    # Jobs first: their processes outlive slurmd.
    if number_of slurmctld >/dev/null; then
        timeout 10 squeue -h -o %A | sort -u | xargs -r timeout 10 scancel || true
        wait_for 15 sh -c '[ -z "$(squeue -h)" ]' || true
    fi
    for daemon in slurmd slurmctld munged; do
        number=$(number_of "$daemon") || continue
        kill -TERM "$number"
        for _ in $(seq 100); do
            lives "$number" || break
            sleep 0.1
        done
        ! lives "$number" || kill -KILL "$number"
        rm -f "$folder/run/$daemon.pid"
    done
}

case $command in
up) up "$3" "$4" ;;
down) down ;;
*) give_up "no command '$command'" /dev/null ;;
esac
