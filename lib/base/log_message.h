// Hands a message to the program's sink.
#ifndef WARDEN_LIB_BASE_LOG_MESSAGE_H_
#define WARDEN_LIB_BASE_LOG_MESSAGE_H_

namespace warden {

struct LogRecord;

namespace internal {

// False when there is no sink. Defined in log.cc. Runs the program's code: call it with no lock held. The sink gets the
// process's name printable, which needs memory only for a name that is not; the error has to be printable already.
bool log_message(const LogRecord& record);

}  // namespace internal
}  // namespace warden

#endif  // WARDEN_LIB_BASE_LOG_MESSAGE_H_
