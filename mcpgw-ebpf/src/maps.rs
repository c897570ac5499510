//! Every map. Sizes of the rings are set at load.

use aya_ebpf::bindings::BPF_F_NO_PREALLOC;
use aya_ebpf::macros::map;
use aya_ebpf::maps::{HashMap, LpmTrie, LruHashMap, PerCpuArray, RingBuf};
use mcpgw_common::limit;
use mcpgw_common::map::{
    ChannelKey, ChannelState, Confined, Connecting, ConnectionState, Destination, DestinationKey,
    DestinationRule, FileId, FlowKey, FlowState, Guarded, Hello, LaneStats, PlaceKey, PlaceRule, ProcessId,
    ProgramName, Refused, Restrained, Restraint, RestraintCounts, TaskState, TlsCall, TlsStream,
    TlsStreamKey, TlsTask, lane,
};

use crate::emit::Buffer;

/// exec, fork, exit, listen and connect.
#[map]
pub(crate) static LIFECYCLE: RingBuf = RingBuf::with_byte_size(4096, 0);
/// Bytes moved over observed channels.
#[map]
pub(crate) static STREAMS: RingBuf = RingBuf::with_byte_size(4096, 0);
/// Payload at watched TCP ports.
#[map]
pub(crate) static TCP: RingBuf = RingBuf::with_byte_size(4096, 0);
/// What processes do to files and sockets.
#[map]
pub(crate) static EFFECTS: RingBuf = RingBuf::with_byte_size(4096, 0);
/// How much of that is not told because there was no room, by the number of the server it was done for.
#[map]
pub(crate) static UNTOLD: LruHashMap<u32, u64> = LruHashMap::with_max_entries(1_024, 0);

/// Processes of interest, by process id.
#[map]
pub(crate) static TASKS: LruHashMap<u32, TaskState> = LruHashMap::with_max_entries(16_384, 0);
/// Channel ends under observation, or settled.
#[map]
pub(crate) static CHANNELS: LruHashMap<ChannelKey, ChannelState> = LruHashMap::with_max_entries(16_384, 0);
/// How far each flow over them got.
#[map]
pub(crate) static FLOWS: LruHashMap<FlowKey, FlowState> = LruHashMap::with_max_entries(8_192, 0);
/// Owners of sockets between SYN_SENT and ESTABLISHED.
#[map]
pub(crate) static CONNECTING: LruHashMap<u64, Connecting> = LruHashMap::with_max_entries(4_096, 0);
/// Ports of listening sockets, by the socket's address: the kernel takes the port away before it says CLOSE.
#[map]
pub(crate) static LISTENING: LruHashMap<u64, u16> = LruHashMap::with_max_entries(4_096, 0);
/// Watched server ports, host order. Only user space writes.
#[map]
pub(crate) static PORTS: HashMap<u16, u8> = HashMap::with_max_entries(4_096, 0);
/// What may still be reported of each connection.
#[map]
pub(crate) static CONNECTIONS: LruHashMap<u64, ConnectionState> = LruHashMap::with_max_entries(8_192, 0);
/// Processes whose end was reported: two last threads may race to it.
#[map]
pub(crate) static EXITED: LruHashMap<ProcessId, u8> = LruHashMap::with_max_entries(1_024, 0);

/// Cgroups of which connections are limited. Only user space writes.
#[map]
pub(crate) static CONFINED: HashMap<u64, Confined> = HashMap::with_max_entries(4_096, 0);
/// Where those may connect and listen. Only user space writes.
#[map]
pub(crate) static DESTINATIONS: LpmTrie<DestinationKey, DestinationRule> =
    LpmTrie::with_max_entries(65_536, 0);
/// Processes that are held to the rules of a group. Not LRU: who is in it must not get out of it by starting others.
#[map]
pub(crate) static RESTRAINED: HashMap<u32, Restrained> = HashMap::with_max_entries(limit::RESTRAINED, 0);
/// Their children of which the probe at `fork` has not told yet, by the task's address: whose group they are of.
#[map]
pub(crate) static NEWBORN: HashMap<u64, u32> = HashMap::with_max_entries(limit::NEWBORN, 0);
/// Those rules. Only user space writes.
#[map]
pub(crate) static RESTRAINTS: HashMap<u32, Restraint> = HashMap::with_max_entries(limit::RESTRAINTS, 0);
/// What came of them. User space makes and removes entries.
#[map]
pub(crate) static RESTRAINT_COUNTS: HashMap<u32, RestraintCounts> =
    HashMap::with_max_entries(limit::RESTRAINTS + 1, 0);
/// What they say of files. Only user space writes.
#[map]
pub(crate) static PLACES: HashMap<PlaceKey, PlaceRule> =
    HashMap::with_max_entries(limit::PLACES, BPF_F_NO_PREALLOC);
/// Servers that are not to be reached as they are. Only user space writes, but for the counts.
#[map]
pub(crate) static GUARDED: HashMap<Destination, Guarded> = HashMap::with_max_entries(1_024, 0);

/// Programs that are not to run. Only user space writes, but for the counts.
#[map]
pub(crate) static REFUSED_FILES: HashMap<FileId, Refused> = HashMap::with_max_entries(1_024, 0);
/// Unix sockets that are not to be connected to. Only user space writes, but for the counts.
#[map]
pub(crate) static REFUSED_SOCKETS: HashMap<FileId, Refused> = HashMap::with_max_entries(1_024, 0);
/// Programs to which neither is done. Only user space writes.
#[map]
pub(crate) static SPARED_NAMES: LpmTrie<ProgramName, u32> = LpmTrie::with_max_entries(256, 0);
/// Processes to which neither is done: whom the agent descends from. Only user space writes.
#[map]
pub(crate) static SPARED: HashMap<u32, u8> = HashMap::with_max_entries(256, 0);

/// Where a text is put to see how long it is.
pub(crate) type Scratch = [u8; 4096];
/// One of each CPU.
#[map]
pub(crate) static SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// Processes of which the plaintext of TLS is reported. Only user space writes.
#[map]
pub(crate) static TLS_TASKS: HashMap<u32, TlsTask> = HashMap::with_max_entries(1_024, 0);
/// Calls of their TLS libraries that have not returned.
#[map]
pub(crate) static TLS_CALLS: LruHashMap<u64, TlsCall> = LruHashMap::with_max_entries(4_096, 0);
/// How far each direction of their connections got.
#[map]
pub(crate) static TLS_STREAMS: LruHashMap<TlsStreamKey, TlsStream> = LruHashMap::with_max_entries(8_192, 0);
/// Connections they made and have not said anything over.
#[map]
pub(crate) static HELLOS: LruHashMap<u16, Hello> = LruHashMap::with_max_entries(4_096, 0);

/// Sequence and losses of each lane.
#[map]
pub(crate) static LANES: PerCpuArray<LaneStats> = PerCpuArray::with_max_entries(lane::COUNT, 0);
/// Where a lane's record is put together; the stack has 512 bytes.
#[map]
pub(crate) static BUFFERS: PerCpuArray<Buffer> = PerCpuArray::with_max_entries(lane::COUNT, 0);
