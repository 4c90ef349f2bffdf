#!/bin/bash
# Paints one clip as a Slurm job array; clip and output lie on a disk that all nodes see.
#   ./scripts/slurm_array.sh CLIP STYLE OUTPUT.mp4
# Plan here, paint each chunk as a task, and assemble when all are done. A task that fails can simply be sent
# again: chunks are committed whole, and painting one twice changes nothing. 5 GB are enough for 1920x1080 in float32
# on four cores (videostyle help machines); with less than that, fewer are used.
set -euo pipefail
clip=$1 style=$2 output=$3
common=(render "$clip" --style "$style" -o "$output" --quiet)
chunks=$(videostyle "${common[@]}" --plan)
array=$(sbatch --parsable --array="0-$((chunks - 1))" --cpus-per-task=4 --mem=5G --requeue \
    --wrap "videostyle $(printf '%q ' "${common[@]}") --chunk \$SLURM_ARRAY_TASK_ID")
sbatch --dependency="afterok:$array" --cpus-per-task=2 --mem=2G --wrap "videostyle $(printf '%q ' "${common[@]}") --resume"
