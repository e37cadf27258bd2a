# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of app-fw for fish. tests/cli/completion.sh holds it against what the program says of itself.

complete -c app-fw -f
complete -c app-fw -s e -l ebpf-obj -r -F -d 'load the probes from this object'
complete -c app-fw -l queue-out -x -d 'NFQUEUE number or range for OUTPUT'
complete -c app-fw -l queue-in -x -d 'NFQUEUE number or range for INPUT'
complete -c app-fw -l queue-fwd -x -d 'NFQUEUE number or range for FORWARD'
complete -c app-fw -l pol-out -x -a 'ACCEPT DROP' -d 'policy of OUTPUT'
complete -c app-fw -l pol-in -x -a 'ACCEPT DROP' -d 'policy of INPUT'
complete -c app-fw -l pol-fwd -x -a 'ACCEPT DROP' -d 'policy of FORWARD'
complete -c app-fw -s b -l batch-count -x -d 'most packets under one batch verdict'
complete -c app-fw -s B -l batch-timeout -x -d 'longest a judged packet may wait, in microseconds'
complete -c app-fw -s r -l retain-maps -d 'objects count even after they are unmapped'
complete -c app-fw -s R -l no-rescan -d 'implies -r'
complete -c app-fw -s P -l partial-read -d 'copy only what the rules need to look at'
complete -c app-fw -l mode -x -a 'enforce monitor' -d 'carry verdicts out, or only log'
complete -c app-fw -l unknown -x -a 'ACCEPT DROP' -d 'verdict for packets of unknown origin'
complete -c app-fw -l kernel -x -a 'ACCEPT DROP' -d "verdict for packets of the kernel's own"
complete -c app-fw -l socket -r -F -d 'control socket'
complete -c app-fw -l state -x -a '(__fish_complete_directories (commandline -ct) "")' -d 'saved rules'
complete -c app-fw -l no-state -d 'keep nothing'
complete -c app-fw -l metrics -x -d 'tell all counters and timings there, by HTTP: ADDR:PORT'
complete -c app-fw -s S -d 'accepted, without effect'
complete -c app-fw -s c -x -d 'accepted, without effect'
complete -c app-fw -s n -x -d 'accepted, without effect'
complete -c app-fw -s d -x -d 'accepted, without effect'
complete -c app-fw -s h -l help -d 'print a summary'
complete -c app-fw -s V -l version -d 'print the version'
