package xadriver

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// Setting describes a scalar setting, which a DSN, a file and Config have in common.
type Setting struct {
	Name, Type, Valid, Default, Doc string

	set  func(*Config, string) error
	fill func(*Config) // puts in the default
}

// Settings lists all scalar settings.
func Settings() []Setting { return append([]Setting(nil), settings...) }

var settings = []Setting{
	text("cluster", "1 to 16 of a-z 0-9 -", "none; needed with several shards", "names the cluster; part of every prepared transaction's name",
		func(c *Config) *string { return &c.Cluster }),
	text("log", "sqlite:PATH, or postgres://USER@HOST/DATABASE", "none; needed with several shards", "where the decisions of commits are kept",
		func(c *Config) *string { return &c.Log }),
	text("home", "a shard's name", "the first shard", "where unsharded tables live",
		func(c *Config) *string { return &c.Home }),
	number("buckets", "a power of two", 4096, "into how many buckets keys are hashed; never to be changed once there are rows",
		func(c *Config) *int { return &c.Buckets }),
	choice("consistent_reads", "what sees one state of all shards: a REPEATABLE READ transaction (snapshot); each statement as well (statement); nothing (off); the same in all programs of a cluster",
		func(c *Config) *string { return &c.ConsistentReads }, readsSnapshot, readsStatement, readsOff),
	number("cut_share", "a number, of percent", 4, "for which part of the time readers of this process may keep writers waiting who want to commit, where cuts are wanted all the time: those that wait share the next one; 100 for no limit",
		func(c *Config) *int { return &c.CutShare }),
	duration("cut_wait", "15s", "how long it may take until a transaction or statement sees one state of all shards, where transactions in doubt stand in the way; off for no limit",
		func(c *Config) *time.Duration { return &c.CutWait }),
	duration("deadlock_timeout", "1s", "how long a statement runs before it is looked whether it waits in a circle of transactions over several shards, of which the youngest is then cancelled (40P01); off lets nobody look, and is then to be said in all programs of a cluster",
		func(c *Config) *time.Duration { return &c.DeadlockTimeout }),
	lockWaitSetting("lock_wait", "how long a statement waits for a lock once its transaction spans several shards (55P03 after that); off for no limit"),
	duration("resolve_after", "10s", "the age from which a prepared transaction without a decision is taken for abandoned and rolled back",
		func(c *Config) *time.Duration { return &c.ResolveAfter }),
	duration("resolve_every", "5s", "how often each shard is searched for abandoned transactions",
		func(c *Config) *time.Duration { return &c.ResolveEvery }),
	duration("alarm_after", "1m", "the age from which a transaction that is still in doubt is logged and counted, again and again with growing pauses; off for never",
		func(c *Config) *time.Duration { return &c.AlarmAfter }),
	duration("retain", "24h", "how long the decisions of finished transactions are kept, off for ever; a commit that takes longer than half of it is in doubt",
		func(c *Config) *time.Duration { return &c.Retain }),
	duration("commit_timeout", "30s", "how long a shard may take to vote, or to answer COMMIT; off for no limit",
		func(c *Config) *time.Duration { return &c.CommitTimeout }),
	duration("finish_wait", "10s", "how long Commit waits, after the decision, until every shard has heard it",
		func(c *Config) *time.Duration { return &c.FinishWait }),
	number("plan_cache", "a number", 4096, "for how many statements plans are kept",
		func(c *Config) *int { return &c.PlanCache }),
	limit("gather_limit", 1_000_000, "how many rows a statement may bring together in one place, where it cannot be answered shard by shard; off refuses such statements",
		func(c *Config) *int { return &c.GatherLimit }),
	duration("schema_check", "1s", "how often, while statements run, home is asked whether somebody else has changed the schema",
		func(c *Config) *time.Duration { return &c.SchemaCheck }),
	number("id_stride", "a number", plan.DefaultStride, "how far apart the numbers are that one shard's sequences give to rows of sharded tables; at least the number of shards there will ever be",
		func(c *Config) *int { return &c.IDStride }),
	flag("unique_per_shard", "whether a sharded table may have unique constraints without its key, which each shard judges by its own rows only",
		func(c *Config) *bool { return &c.UniquePerShard }),
	choice("ping", "whom Ping asks for a sign of life, all of them at once",
		func(c *Config) *string { return &c.Ping }, pingAll, pingHome, pingNone),
	choice("raw", "whose connection sql.Conn.Raw hands out: *xadriver.Conn or, with a single shard, pgx's own *stdlib.Conn",
		func(c *Config) *string { return &c.Raw }, rawXapg, rawPgx),
	number("shard_conns", "a number", 0, "how many connections of a process may be used by statements on each shard at once, and as many transactions; the driver's own questions and merging on home come besides; 0 is no limit",
		func(c *Config) *int { return &c.ShardConns }),
	duration("conn_lifetime", "1h", "after which time a connection to a shard is closed, once nobody uses it; off for never",
		func(c *Config) *time.Duration { return &c.ConnLifetime }),
	duration("conn_max_idle", "5m", "after which time an unused connection to a shard is closed; off for never",
		func(c *Config) *time.Duration { return &c.ConnMaxIdle }),
	duration("health_check", "30s", "how often unused connections are looked after: dead and old ones are closed; off for never",
		func(c *Config) *time.Duration { return &c.HealthCheck }),
}

func text(name, valid, def, doc string, at func(*Config) *string) Setting {
	return Setting{
		Name: name, Type: "text", Valid: valid, Default: def, Doc: doc,
		set:  func(c *Config, v string) error { *at(c) = v; return nil },
		fill: func(*Config) {},
	}
}

func number(name, valid string, def int, doc string, at func(*Config) *int) Setting {
	return Setting{
		Name: name, Type: "number", Valid: valid, Default: strconv.Itoa(def), Doc: doc,
		set: func(c *Config, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return fmt.Errorf("%q is not %s", clip(v), valid)
			}
			*at(c) = n
			return nil
		},
		fill: func(c *Config) {
			if *at(c) == 0 {
				*at(c) = def
			}
		},
	}
}

func flag(name, doc string, at func(*Config) *bool) Setting {
	return Setting{
		Name: name, Type: "flag", Valid: "on; off", Default: "off", Doc: doc,
		set: func(c *Config, v string) error {
			switch v {
			case "on", "true":
				*at(c) = true
			case "off", "false":
				*at(c) = false
			default:
				return fmt.Errorf("%q is neither on nor off", clip(v))
			}
			return nil
		},
		fill: func(*Config) {},
	}
}

// The values of the settings ping and raw.
const (
	pingAll  = "all"
	pingHome = "home"
	pingNone = "none"
	rawXapg  = "xapg"
	rawPgx   = "pgx"
)

// choice is one of several words, the first by default.
func choice(name, doc string, at func(*Config) *string, words ...string) Setting {
	valid := strings.Join(words, "; ")
	return Setting{
		Name: name, Type: "word", Valid: valid, Default: words[0], Doc: doc,
		set: func(c *Config, v string) error {
			if !slices.Contains(words, v) {
				return fmt.Errorf("%q is none of %s", clip(v), valid)
			}
			*at(c) = v
			return nil
		},
		fill: func(c *Config) {
			if *at(c) == "" {
				*at(c) = words[0]
			}
		},
	}
}

// limit is a number that can be switched off.
func limit(name string, def int, doc string, at func(*Config) *int) Setting {
	s := number(name, "a number", def, doc, at)
	set := s.set
	s.Valid = "a number; 0 or off"
	s.set = func(c *Config, v string) error {
		if v == "off" || v == "0" {
			*at(c) = -1
			return nil
		}
		return set(c, v)
	}
	return s
}

func duration(name, def, doc string, at func(*Config) *time.Duration) Setting {
	standard, err := time.ParseDuration(def)
	if err != nil {
		panic(err) // a mistake in the table above
	}
	return Setting{
		Name: name, Type: "duration", Valid: "such as 500ms, 5s, 2m or 24h; off", Default: def, Doc: doc,
		set: func(c *Config, v string) error {
			if v == "off" || v == "0" {
				*at(c) = -1
				return nil
			}
			d, err := time.ParseDuration(v)
			if err != nil || d <= 0 {
				return fmt.Errorf("%q is not a duration", clip(v))
			}
			*at(c) = d
			return nil
		},
		fill: func(c *Config) {
			if *at(c) == 0 {
				*at(c) = standard
			}
		},
	}
}

// lockWaitSetting is a duration whose default is a limit only where nobody looks for
// deadlocks: they would end in no other way.
func lockWaitSetting(name, doc string) Setting {
	at := func(c *Config) *time.Duration { return &c.LockWait }
	s := duration(name, lockWait.String(), doc, at)
	s.Default = "off; 5s where deadlock_timeout is off"
	limit := s.fill
	s.fill = func(c *Config) {
		if *at(c) == 0 && c.DeadlockTimeout > 0 { // which is settled before
			*at(c) = -1
		}
		limit(c)
	}
	return s
}

// clip keeps long values out of messages.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func settingNamed(name string) *Setting {
	for i := range settings {
		if settings[i].Name == name {
			return &settings[i]
		}
	}
	return nil
}

func settingNames() []string {
	out := make([]string, len(settings))
	for i, s := range settings {
		out[i] = s.Name
	}
	return out
}
