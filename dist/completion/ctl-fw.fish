# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ctl-fw for fish. tests/cli/completion.sh holds it against what the program says of itself.

set -g __ctl_fw_commands -A --append -I --insert -D --delete -L --list -H --print-hash \
    status stats objects explain policy set save restore mode events top learn hook patch sig doctor
set -g __ctl_fw_protocols tcp udp icmp icmpv6 ipv6-icmp sctp dccp udplite esp ah gre igmp ipencap egp igp ipv6 \
    rsvp eigrp ospf ipip etherip pim ipcomp vrrp l2tp isis mpls-in-ip hip

# The words of the line before the one at the cursor, without the program.
function __ctl_fw_words
    set -l words (commandline -opc)
    set -e words[1]
    string join \n -- $words
end

# The words after the command, or nothing; fails where there is no command.
function __ctl_fw_after
    set -l words (__ctl_fw_words)
    for i in (seq (count $words))
        if contains -- $words[$i] $__ctl_fw_commands
            set -e words[1..$i]
            string join \n -- $words
            return 0
        end
    end
    return 1
end

# Whether one of these commands is on the line.
function __ctl_fw_has
    for word in (__ctl_fw_words)
        if contains -- $word $__ctl_fw_commands
            contains -- $word $argv
            return
        end
    end
    return 1
end

function __ctl_fw_begins
    not __ctl_fw_after >/dev/null
end

# Whether the verb of `patch` is add.
function __ctl_fw_patches
    set -l words (__ctl_fw_after)
    __ctl_fw_has patch; and set -q words[1]; and test $words[1] = add
end

function __ctl_fw_whole_rule
    __ctl_fw_has -A --append -I --insert
end

# What describes a rule goes with a patch, too.
function __ctl_fw_rule
    __ctl_fw_whole_rule; or __ctl_fw_patches
end

# What describes a packet goes with explain, too.
function __ctl_fw_packet
    __ctl_fw_rule; or __ctl_fw_has explain
end

function __ctl_fw_chain
    __ctl_fw_packet; or __ctl_fw_has -D --delete -L --list
    or begin
        __ctl_fw_has hook; and not __ctl_fw_at hook 0; and not contains -- -c (commandline -opc)
    end
end

# Whether $argv[1], a command, has $argv[2] words after it; -1: any number.
function __ctl_fw_at
    __ctl_fw_has $argv[1]; and test (count (__ctl_fw_after)) -eq $argv[2]
end

# Whether the verb of `learn` is this one.
function __ctl_fw_learns
    set -l words (__ctl_fw_after)
    __ctl_fw_has learn; and set -q words[1]; and test $words[1] = $argv[1]
end

# Whether the verb of `sig` is one of these.
function __ctl_fw_sigs
    set -l words (__ctl_fw_after)
    __ctl_fw_has sig; and set -q words[1]; and contains -- $words[1] $argv
end

# The same of `hook`.
function __ctl_fw_hooks
    set -l words (__ctl_fw_after)
    __ctl_fw_has hook; and set -q words[1]; and test $words[1] = $argv[1]
end

# Whether the verb of `set` is one of these.
function __ctl_fw_verb
    set -l words (__ctl_fw_after)
    __ctl_fw_has set; and set -q words[1]; and contains -- $words[1] $argv
end

# The named sets of the daemon, if one answers at once.
function __ctl_fw_sets
    set -l words (commandline -opc)
    set -l where
    if set -l i (contains -i -- --socket $words); and set -q words[(math $i + 1)]
        set where --socket $words[(math $i + 1)]
    end
    timeout 1 $words[1] set list --json $where 2>/dev/null | string match -ar '"set":"[^"]*"' | string split -f 4 '"'
end

function __ctl_fw_pids
    string replace -rf '^/proc/(\d+)$' '$1' /proc/*
end

complete -c ctl-fw -f

complete -c ctl-fw -n __ctl_fw_begins -s A -l append -d 'append a rule to its chain'
complete -c ctl-fw -n __ctl_fw_begins -s I -l insert -x -d 'insert a rule as number N of its chain'
complete -c ctl-fw -n __ctl_fw_begins -s D -l delete -x -d 'delete rule N of a chain'
complete -c ctl-fw -n __ctl_fw_begins -s L -l list -d 'list the rules of a chain, or of all'
complete -c ctl-fw -n '__ctl_fw_begins; or __ctl_fw_has -H --print-hash' -s H -l print-hash -r -F -d 'print the SHA-256 of files'
complete -c ctl-fw -n __ctl_fw_begins -a status -d 'show what is in force'
complete -c ctl-fw -n __ctl_fw_begins -a stats -d 'show stage timings and counters'
complete -c ctl-fw -n __ctl_fw_begins -a objects -d 'show what a process has mapped executable'
complete -c ctl-fw -n __ctl_fw_begins -a explain -d 'tell what a packet of a process would get, and why'
complete -c ctl-fw -n __ctl_fw_begins -a policy -d 'what becomes of packets that no rule matches'
complete -c ctl-fw -n __ctl_fw_begins -a set -d 'named sets of digests'
complete -c ctl-fw -n __ctl_fw_begins -a save -d 'print the configuration as text'
complete -c ctl-fw -n __ctl_fw_begins -a restore -d 'replace the configuration by that of a file'
complete -c ctl-fw -n __ctl_fw_begins -a mode -d 'carry verdicts out, or only log'
complete -c ctl-fw -n __ctl_fw_begins -a events -d 'show the latest events'
complete -c ctl-fw -n __ctl_fw_begins -a top -d 'show what each program sends and receives, live'
complete -c ctl-fw -n __ctl_fw_begins -a learn -d 'rules that allow what was seen'
complete -c ctl-fw -n __ctl_fw_begins -a doctor -d 'check the machine, the daemon and what is diverted to it'
complete -c ctl-fw -n __ctl_fw_begins -a patch -d 'drop what would reach a hole, before all rules'
complete -c ctl-fw -n __ctl_fw_begins -a sig -d 'signatures of payload'
complete -c ctl-fw -n __ctl_fw_begins -a hook -d 'the iptables rules that divert a chain to app-fw'
complete -c ctl-fw -n __ctl_fw_begins -l help -d 'print a summary'
complete -c ctl-fw -n __ctl_fw_begins -l version -d 'print the version'

complete -c ctl-fw -n '__ctl_fw_at objects 0' -a '(__ctl_fw_pids)' -d process
complete -c ctl-fw -n '__ctl_fw_at policy 0' -a 'INPUT OUTPUT FORWARD' -d chain
complete -c ctl-fw -n '__ctl_fw_at policy 1' -a 'ACCEPT DROP' -d policy
complete -c ctl-fw -n '__ctl_fw_at mode 0' -a 'enforce monitor confirm'
complete -c ctl-fw -n '__ctl_fw_at save 0' -F
complete -c ctl-fw -n '__ctl_fw_at restore 0' -F
complete -c ctl-fw -n '__ctl_fw_has -H --print-hash' -F
complete -c ctl-fw -n '__ctl_fw_at set 0' -a add -d 'put files or a package into a set'
complete -c ctl-fw -n '__ctl_fw_at set 0' -a rm -d 'remove a set that no rule names'
complete -c ctl-fw -n '__ctl_fw_at set 0' -a list -d 'list the sets, or one of them'
complete -c ctl-fw -n '__ctl_fw_at set 0' -a refresh -d 'read the files again'
complete -c ctl-fw -n '__ctl_fw_at set 0' -a expect -d 'archives that are about to be installed'
complete -c ctl-fw -n '__ctl_fw_at set 1; and __ctl_fw_verb add rm list refresh' -a '(__ctl_fw_sets)' -d set
complete -c ctl-fw -n '__ctl_fw_verb add; and not __ctl_fw_at set 1' -F
complete -c ctl-fw -n '__ctl_fw_verb expect' -F

complete -c ctl-fw -n __ctl_fw_chain -s c -x -a 'INPUT OUTPUT FORWARD' -d chain
complete -c ctl-fw -n __ctl_fw_whole_rule -s v -x -a 'ACCEPT DROP REJECT KILL MARK=' -d verdict
complete -c ctl-fw -n __ctl_fw_packet -s s -x -d 'source: ADDR[/LEN]'
complete -c ctl-fw -n __ctl_fw_packet -s d -x -d 'destination: ADDR[/LEN]'
complete -c ctl-fw -n __ctl_fw_packet -s p -x -d protocol -a "$__ctl_fw_protocols"
complete -c ctl-fw -n __ctl_fw_packet -l sport -x -d 'source ports: N[:M]'
complete -c ctl-fw -n __ctl_fw_packet -l dport -x -d 'destination ports: N[:M]'
complete -c ctl-fw -n __ctl_fw_rule -s n -r -F -d 'network namespace: a path, or net:[INODE]'
complete -c ctl-fw -n __ctl_fw_rule -l sng-hash -x -d 'SHA-256 of an object that the process has mapped'
complete -c ctl-fw -n __ctl_fw_rule -l agg-hash -x -d 'aggregate of all objects that it has mapped'
complete -c ctl-fw -n __ctl_fw_rule -l anon-exec -d 'it has executable memory without a file'
complete -c ctl-fw -n __ctl_fw_rule -l object -r -F -d '--sng-hash of that file as it is now'
complete -c ctl-fw -n __ctl_fw_rule -l set -x -a '(__ctl_fw_sets)' -d 'an object that it has mapped is in that set'
complete -c ctl-fw -n __ctl_fw_rule -l script -r -F -d 'script that its interpreter was started with'
complete -c ctl-fw -n __ctl_fw_rule -l origin -x -a 'known kernel unknown' -d 'origin of the packet'
complete -c ctl-fw -n __ctl_fw_rule -l uid -x -d 'user: N[:M]'
complete -c ctl-fw -n __ctl_fw_rule -l gid -x -d 'group: N[:M]'
complete -c ctl-fw -n __ctl_fw_rule -l comm -x -d 'name of the process'
complete -c ctl-fw -n __ctl_fw_rule -l cgroup -x -d 'the process is in that cgroup, or below it' \
    -a '(string replace /sys/fs/cgroup "" (__fish_complete_directories /sys/fs/cgroup(commandline -ct) ""))'
complete -c ctl-fw -n __ctl_fw_rule -l container -x -d 'it is in that container'
complete -c ctl-fw -n __ctl_fw_rule -s ! -d 'negates the match that follows'
complete -c ctl-fw -n __ctl_fw_rule -l monitor -d 'this rule only logs'
complete -c ctl-fw -n __ctl_fw_rule -l expires -x -d 'when it is to vanish: a time, or +24h'
complete -c ctl-fw -n __ctl_fw_rule -l note -x -d 'for people'

complete -c ctl-fw -n '__ctl_fw_has explain' -l pid -x -a '(__ctl_fw_pids)' -d process
complete -c ctl-fw -n '__ctl_fw_verb add' -l dpkg -x -a '(dpkg-query -W -f \'${Package}\n\' 2>/dev/null)' -d package
complete -c ctl-fw -n '__ctl_fw_verb add expect' -l root -x -a '(__fish_complete_directories (commandline -ct) "")' \
    -d 'where the package is installed'
complete -c ctl-fw -n '__ctl_fw_verb refresh expect' -l grace -x -d 'how long other digests stay valid: N[smhd]'
complete -c ctl-fw -n '__ctl_fw_at sig 0' -a load -d 'put the signatures of a file in force'
complete -c ctl-fw -n '__ctl_fw_at sig 0' -a list -d 'show them, and what they have met'
complete -c ctl-fw -n '__ctl_fw_at sig 0' -a rm -d 'remove one, or all'
complete -c ctl-fw -n '__ctl_fw_at sig 0' -a test -d 'tell what they find in a capture'
complete -c ctl-fw -n '__ctl_fw_sigs load test' -F
complete -c ctl-fw -n '__ctl_fw_sigs load; and __ctl_fw_at sig 1' -a 'builtin:all builtin:log4shell builtin:shellshock builtin:spring4shell builtin:traversal'
complete -c ctl-fw -n '__ctl_fw_sigs rm; and __ctl_fw_at sig 1' -a all
complete -c ctl-fw -n '__ctl_fw_sigs load test' -l skip-unsupported -d 'count rules that cannot be had, and go on'
complete -c ctl-fw -n '__ctl_fw_sigs load' -l limit -x -d 'options that each rule gets besides its own'
complete -c ctl-fw -n '__ctl_fw_sigs test' -l pcap -r -F -d 'the capture that is looked at'
complete -c ctl-fw -n '__ctl_fw_at learn 0' -a start -d 'begin, in monitor mode'
complete -c ctl-fw -n '__ctl_fw_at learn 0' -a stop -d 'keep what was learned, and learn no more'
complete -c ctl-fw -n '__ctl_fw_at learn 0' -a suggest -d 'rules that allow what was seen'
complete -c ctl-fw -n '__ctl_fw_learns suggest' -F
complete -c ctl-fw -n '__ctl_fw_learns start' -l resume -d 'add to what was learned before'
complete -c ctl-fw -n '__ctl_fw_learns suggest' -l prefix4 -x -d 'addresses that share N bits are alike'
complete -c ctl-fw -n '__ctl_fw_learns suggest' -l prefix6 -x -d 'addresses that share N bits are alike'
complete -c ctl-fw -n '__ctl_fw_learns suggest' -l wide -x -d 'a port with more addresses is for any'
complete -c ctl-fw -n '__ctl_fw_at patch 0' -a add -d 'drop what would reach a hole'
complete -c ctl-fw -n '__ctl_fw_at patch 0' -a rm -d 'lift a patch'
complete -c ctl-fw -n '__ctl_fw_at patch 0' -a list -d 'list the patches, and who they concern'
complete -c ctl-fw -n '__ctl_fw_patches; and __ctl_fw_at patch 1' -a 'log4shell shellshock' -d 'built in'
complete -c ctl-fw -n __ctl_fw_patches -l cidr -x -d 'network of one end: ADDR[/LEN]'
complete -c ctl-fw -n __ctl_fw_patches -l port -x -d 'port of one end: N[:M]'
complete -c ctl-fw -n __ctl_fw_patches -l sid -x -d signature
complete -c ctl-fw -n __ctl_fw_patches -l pattern -x -d 'text of the payload'
complete -c ctl-fw -n __ctl_fw_patches -l pcre -x -d 'what the payload matches'
complete -c ctl-fw -n __ctl_fw_patches -l file -r -F -d 'where the object of --sng-hash lies'
complete -c ctl-fw -n __ctl_fw_patches -l until-unmapped -d 'until that is replaced, and no process maps it'
complete -c ctl-fw -n '__ctl_fw_at hook 0' -a install -d 'divert a chain to app-fw'
complete -c ctl-fw -n '__ctl_fw_at hook 0' -a refresh -d 'put the rules that are there in anew'
complete -c ctl-fw -n '__ctl_fw_at hook 0' -a remove -d 'take these rules out again'
complete -c ctl-fw -n '__ctl_fw_hooks install' -l only -x -d 'what else iptables is to match'
complete -c ctl-fw -n '__ctl_fw_hooks install' -l fail -x -a 'open closed' -d 'packets pass, or not, without app-fw'
complete -c ctl-fw -n '__ctl_fw_has events' -s f -l follow -d 'wait for more'
complete -c ctl-fw -n '__ctl_fw_has top' -l frames -x -d 'print N pages, one a second, and end'
complete -c ctl-fw -n '__ctl_fw_has mode restore' -l confirm-within -x -d 'roll back unless confirmed: N[smhd]'
complete -c ctl-fw -l json -d 'print JSON, one line'
complete -c ctl-fw -l socket -r -F -d 'where app-fw listens'
