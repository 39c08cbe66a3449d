// A process by its number: its files in /proc, its parent, its pidfd.
#ifndef WARDEN_TEST_ATTACK_PROCESS_H_
#define WARDEN_TEST_ATTACK_PROCESS_H_

#include <string>

namespace warden::attack {

// Empty if it cannot be read.
std::string read_file(const std::string& path);
bool write_file(const std::string& path, const std::string& text);

std::string proc(int pid, const char* file);

// 0 for a process that is gone.
int parent_of(int pid);

int open_process(int pid);
int send_signal(int pidfd, int number);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_PROCESS_H_
