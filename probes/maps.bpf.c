// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The one place where the maps live. */
#include "maps.h"

struct map_sock_places sock_places SEC(".maps");
struct map_socks socks SEC(".maps");
struct map_crowds crowds SEC(".maps");
struct map_procs procs SEC(".maps");
struct map_ghosts ghosts SEC(".maps");
struct map_former former SEC(".maps");
struct map_exits exits SEC(".maps");
struct map_ports ports SEC(".maps");
struct map_paths paths SEC(".maps");
struct map_scratch scratches SEC(".maps");
struct map_draft drafts SEC(".maps");
struct map_scan_drafts scan_drafts SEC(".maps");
struct map_scans scans SEC(".maps");
struct map_views views SEC(".maps");
struct map_note_drafts note_drafts SEC(".maps");
struct map_note_sets note_sets SEC(".maps");
struct map_notes notes SEC(".maps");
struct map_note_rests note_rests SEC(".maps");
struct map_note_mixed note_mixed SEC(".maps");
struct map_note_turns note_turns SEC(".maps");
struct map_noted last_noted SEC(".maps");
struct map_proof proof_out SEC(".maps");
struct map_hints hints SEC(".maps");
struct map_wishes wishes SEC(".maps");
struct map_tree_nodes tree_nodes SEC(".maps");
struct map_snapshots snapshots SEC(".maps");
struct map_callers callers SEC(".maps");
struct map_hinted hinted SEC(".maps");
struct map_counters counters SEC(".maps");
struct map_global global SEC(".maps");
struct map_gens gens SEC(".maps");
struct map_memos memos SEC(".maps");
struct map_classes classes SEC(".maps");
struct map_last_met last_met SEC(".maps");
struct map_tickets tickets SEC(".maps");
struct map_chains chains SEC(".maps");
struct map_named named_by SEC(".maps");
struct map_tallies tallies SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
