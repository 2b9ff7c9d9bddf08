#!/bin/sh
# Print the state of a Slurm job: running, success or failed, as the executor cluster-generic expects it.
# If squeue does not answer, the job counts as running. A job that is no longer in the queue counts as failed and runs
# again.
state=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>&1) || case $state in
    *"Invalid job id"*) echo failed; exit ;;
    *) echo running; exit ;;
esac
case $state in
    COMPLETED) echo success ;;
    PENDING | CONFIGURING | RUNNING | SUSPENDED | COMPLETING | REQUEUED | REQUEUE_HOLD | RESIZING | STOPPED) echo running ;;
    *) echo failed ;;
esac
