#!/bin/sh
# What has become of a Slurm job: prints running, success or failed, as the executor cluster-generic wants it.
# A queue that does not answer is asked again later; a job that has left it long ago counts as failed and is run again.
state=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>&1) || case $state in
    *"Invalid job id"*) echo failed; exit ;;
    *) echo running; exit ;;
esac
case $state in
    COMPLETED) echo success ;;
    PENDING | CONFIGURING | RUNNING | SUSPENDED | COMPLETING | REQUEUED | REQUEUE_HOLD | RESIZING | STOPPED) echo running ;;
    *) echo failed ;;
esac
