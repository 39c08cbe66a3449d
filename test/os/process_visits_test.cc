// In which order the processes are visited while the kernel gives numbers and shows them.
#include "lib/os/process_visits.h"

#include <functional>
#include <limits>
#include <map>
#include <set>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace warden::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// The listing of a kernel whose processes are born during the visits.
struct Listing {
  std::set<int> shown;
  int newest = 0;
  std::map<int, std::function<void()>> at_visit;  // once each
  std::function<void()> at_question;              // for the newest number
  std::function<void()> at_step = {};             // from one process to the next
  std::function<void()> at_last_visits = {};      // for those that were not seen
  int last = std::numeric_limits<int>::max();     // the numbers come no further
  std::vector<int> visited = {};
  bool is_listed = true;

  // `most` visits, at most.
  bool visit_all(std::size_t most = 100) {
    const std::vector<int> pids(shown.begin(), shown.end());
    ProcessVisits visits;
    visits.visit_from = [this](int first, const VisitProcess& visit) {
      for (auto next = shown.lower_bound(first); next != shown.end(); next = shown.upper_bound(*next)) {
        if (at_step) at_step();
        if (!visit(*next)) return false;
      }
      return true;
    };
    visits.list = [this](std::vector<int>* now) {
      if (at_last_visits) at_last_visits();
      now->assign(shown.begin(), shown.end());
      return is_listed;
    };
    visits.newest = [this] {
      if (at_question && newest < last) at_question();
      return newest;
    };
    return visit_in_order(visits, pids, newest, [this, most](int pid) {
      visited.push_back(pid);
      const auto event = at_visit.find(pid);
      if (event != at_visit.end()) {
        const std::function<void()> happens = std::move(event->second);
        at_visit.erase(event);
        happens();
      }
      return visited.size() < most;
    });
  }
};

TEST(ProcessVisitsTest, OldProcessesAreVisitedFirstAndOnlyOnce) {
  Listing listing = {{10, 20, 30, 40}, 20, {}, {}};
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(30, 40, 10, 20));
}

TEST(ProcessVisitsTest, OldProcessIsVisitedAgainInItsTurnOnceItsNumberMayBeAnothers) {
  Listing listing = {{10, 20, 30, 40}, 20, {}, {}};
  listing.at_question = [&] { listing.newest = 35; };
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(30, 40, 10, 20, 30));
}

TEST(ProcessVisitsTest, ProcessThatIsShownOnlyAfterItsNumberWasPassedIsVisitedLast) {
  Listing listing = {{10, 20}, 20, {}, {}};
  listing.at_visit[20] = [&] { listing.shown.insert(15); };
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(10, 20, 15));
}

TEST(ProcessVisitsTest, ProcessThatIsBornDuringTheLastVisitsIsVisited) {
  Listing listing = {{10, 20}, 20, {}, {}};
  listing.at_visit[20] = [&] { listing.shown.insert(15); };
  listing.at_visit[15] = [&] { listing.shown.insert(21); };
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(10, 20, 15, 21));
}

TEST(ProcessVisitsTest, ListThatCannotBeHadLeavesTheReadingInParts) {
  Listing listing = {{10, 20}, 20, {}, {}};
  listing.is_listed = false;
  EXPECT_FALSE(listing.visit_all());
}

TEST(ProcessVisitsTest, OldProcessIsVisitedAgainWhereTheNumbersComeToItInTheLastVisits) {
  Listing listing = {{10, 20, 30, 40}, 20, {}, {}};
  listing.at_visit[20] = [&] { listing.shown.insert(15); };
  listing.at_visit[15] = [&] { listing.newest = 35; };
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(30, 40, 10, 20, 15, 30));
}

TEST(ProcessVisitsTest, EveryTurnOfTheNumbersIsFollowedUntilNoneIsLeftOut) {
  Listing listing = {{10, 30, 40, 50}, 20, {}, {}};
  listing.at_question = [&] { listing.newest += 12; };
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(30, 40, 50, 10, 30, 40, 50));
}

// One that was read for each step of the numbers would make a reading as long as the square of their count.
TEST(ProcessVisitsTest, NumbersAreFollowedWithoutAnotherLookAtAllThatWasVisited) {
  Listing listing = {{}, 20, {}, {}};
  for (int pid = 1; pid <= 1000; ++pid) listing.shown.insert(pid);
  listing.at_question = [&] { ++listing.newest; };
  int steps = 0;
  listing.at_step = [&] { ++steps; };
  listing.last = 500;
  EXPECT_TRUE(listing.visit_all(10'000));
  EXPECT_LT(steps, 10 * 1000);
}

TEST(ProcessVisitsTest, ReadingGivesUpWhereTheNumbersComeToAnotherOldOneInEveryRound) {
  Listing listing = {{10}, 20, {}, {}};
  for (int pid = 30; pid <= 1000; ++pid) listing.shown.insert(pid);
  listing.at_last_visits = [&] { listing.newest += 1 + (listing.newest < 29 ? 9 : 0); };
  EXPECT_FALSE(listing.visit_all(10'000));
}

TEST(ProcessVisitsTest, VisitorThatWantsNoMoreEndsEachPart) {
  for (std::size_t most = 1; most <= 5; ++most) {
    Listing listing = {{10, 20, 30, 40}, 20, {}, {}};
    listing.at_visit[20] = [&] { listing.shown.insert(15); };
    EXPECT_FALSE(listing.visit_all(most)) << most;
    EXPECT_EQ(listing.visited.size(), most);
  }
}

TEST(ProcessVisitsTest, NothingIsVisitedTwiceWhereNothingHappens) {
  Listing listing = {{10, 20, 30}, 30, {}, {}};
  EXPECT_TRUE(listing.visit_all());
  EXPECT_THAT(listing.visited, ElementsAre(10, 20, 30));
  Listing empty = {{}, 0, {}, {}};
  EXPECT_TRUE(empty.visit_all());
  EXPECT_THAT(empty.visited, IsEmpty());
}

}  // namespace
}  // namespace warden::internal
