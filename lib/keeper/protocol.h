// What a host and the keeper of a tree say to each other, each message one record of a SOCK_SEQPACKET socket pair.
#ifndef WARDEN_LIB_KEEPER_PROTOCOL_H_
#define WARDEN_LIB_KEEPER_PROTOCOL_H_

#include <cstdint>

namespace warden::internal {

// The keeper's descriptors, in its own table.
inline constexpr int kKeeperSocket = 0;
inline constexpr int kKeeperHost = 1;   // a pidfd of the host
inline constexpr int kKeeperImage = 2;  // until its exec

// The exit code of a keeper that has found its tree empty. Any other end is a loss.
inline constexpr int kTreeIsEmpty = 0;

// As an order to kill, where the host has closed the socket: a realtime signal, which nobody sends by chance.
inline constexpr int kKillSignal = 63;
inline constexpr int kLetGoSignal = 62;  // to let go, in the same case

struct KeeperOrder {
  enum class Kind : std::uint32_t {
    kSignal,  // `signal` to every process of the tree, once; answered
    kKill,    // SIGKILL to every process, until none is left; not answered
    kLetGo,   // the tree may outlive the host: its end is not the tree's
  };
  Kind kind;
  std::int32_t signal;
  std::uint32_t number;  // of the answer
};

// A part of the keeper that a system can refuse. A SpawnError names it by its call.
enum class KeeperPart : std::int32_t {
  kNone,
  kNamespace,  // the host's children go to a pid namespace that it is not in
  kSocket,
  kImage,
  kHostPidfd,
  kPidfd,
  kStack,
  kClone,
  kGroup,
  kSubreaper,
  kTable,
  kDescriptors,
  kExec,
  kDisposition,
  kSignals,
  kChildren,
  kWait,
  kLook,
  kKill,
  kSendSignal,
  kSelect,
  kReceive,
  kUnknown,  // it ended before it could say
};

// struct rusage, as wait4(2) has it on 64-bit machines.
struct KernelUsage {
  std::int64_t user_time[2], system_time[2];  // seconds and microseconds
  std::int64_t max_rss, shared, data, stack, minor_faults, major_faults, swaps, in_blocks, out_blocks, sent, received,
      signals, voluntary_switches, involuntary_switches;
};

struct KeeperReport {
  enum class Kind : std::uint32_t {
    kReady,      // to the program, which waits for it: the keeper is complete
    kFailed,     // the same: it cannot be. `part`, and `value` is the errno
    kEnded,      // the program: `value` is the status of wait4(2)
    kEmpty,      // nobody is left; the keeper ends
    kAnswer,     // to an order: `value` is an errno, `pid` whom it was about, `count` how many were signalled
    kRefused,    // SIGKILL to `pid` was refused: `value` is the errno
    kStopped,    // the program: `value` is the signal
    kContinued,  // the program
  };
  Kind kind;
  std::int32_t value;
  std::int32_t pid;
  union {
    std::uint32_t number;        // kAnswer
    KeeperPart part;             // kFailed
    std::uint32_t was_executed;  // kEnded: whether the program had been executed
  };
  std::uint32_t count;
  std::uint32_t is_empty;  // kEnded: nobody is left, and the keeper ends
  KernelUsage usage;       // kEnded
};

}  // namespace warden::internal

#endif  // WARDEN_LIB_KEEPER_PROTOCOL_H_
