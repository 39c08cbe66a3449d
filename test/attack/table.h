// The printed table: a row for each attack.
#ifndef WARDEN_TEST_ATTACK_TABLE_H_
#define WARDEN_TEST_ATTACK_TABLE_H_

#include <map>
#include <string>

namespace warden::attack {

struct Row {
  int trees = 0, ok = 0, host_gone = 0, survivors = 0, overrun = 0, unexpected = 0, hangs = 0, slow = 0, refused = 0;
  int spawn_errors = 0, skipped = 0;
  std::map<std::string, int> errors;
};

void print_table(const std::map<std::string, Row>& rows);

}  // namespace warden::attack

#endif  // WARDEN_TEST_ATTACK_TABLE_H_
