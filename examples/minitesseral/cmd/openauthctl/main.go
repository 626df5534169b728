// Command openauthctl prepares a database for the sample login service: it
// applies the migrations and creates the first project.
package main

import (
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"example.com/minitesseral/internal/bootstrap"
	"example.com/minitesseral/internal/migrator"
	"example.com/minitesseral/internal/store"
)

//go:embed migrations/*.sql
var embedded embed.FS

const usage = `Usage: openauthctl COMMAND [FLAGS]

Prepares a PostgreSQL database for the sample login service.

Commands:
  migrate     apply the embedded migrations, tell or force the schema version
  bootstrap   create the first ("dogfood") project in a migrated database

"openauthctl COMMAND --help" describes the flags of a command.
`

const migrateUsage = `Usage: openauthctl migrate --database URL ACTION

Applies the migrations that are embedded in this program.

Actions:
  up        apply every migration that is still missing
  version   print the number of the newest migration applied
  force N   set the version to N without running anything, after a migration
            stopped half-way and the schema was repaired by hand

Flags:
`

const bootstrapUsage = `Usage: openauthctl bootstrap FLAGS

Creates the first ("dogfood") project, its vault domain and its owner in a
migrated database, and prints one line:

  project id <TAB> email <TAB> password

Only a hash of the password is stored: it is printed here and never again.

Flags:
`

// usageFault is a fault in how the command was called.
type usageFault string

// Error implements error.
func (f usageFault) Error() string { return string(f) }

func usageError(format string, v ...any) error {
	return usageFault(fmt.Sprintf(format, v...))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it; it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	var err error
	switch args[0] {
	case "--help", "-help", "-h", "help":
		fmt.Fprint(stdout, usage)
		return 0
	case "migrate":
		err = runMigrate(args[1:], stdout, stderr)
	case "bootstrap":
		err = runBootstrap(ctx, args[1:], stdout)
	default:
		err = usageError("there is no command %q, see openauthctl --help", args[0])
	}
	var fault usageFault
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &fault):
		fmt.Fprintf(stderr, "openauthctl: %v\n", err)
		return 2
	default:
		fmt.Fprintf(stderr, "openauthctl %s: %v\n", args[0], err)
		return 1
	}
}

// parse reads flags; --help prints the text and the flags on stdout and
// returns flag.ErrHelp.
func parse(flags *flag.FlagSet, text string, args []string, stdout io.Writer) error {
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(stdout, text)
		flags.VisitAll(func(f *flag.Flag) {
			fmt.Fprintf(stdout, "  --%s\n      %s\n", f.Name, f.Usage)
		})
		return flag.ErrHelp
	case err != nil:
		return usageError("%v, see openauthctl %s --help", err, flags.Name())
	}
	return nil
}

func migrations() fs.FS {
	dir, err := fs.Sub(embedded, "migrations")
	if err != nil {
		panic(err) // only a malformed path can fail
	}
	return dir
}

func runMigrate(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("migrate", flag.ContinueOnError)
	database := flags.String("database", "", "URL of the database, such as postgres://user:password@host:5432/name (required)")
	if err := parse(flags, migrateUsage, args, stdout); err != nil {
		return err
	}
	if *database == "" {
		return usageError("--database is required and comes before the action, see openauthctl migrate --help")
	}

	action, rest := flags.Arg(0), flags.Args()
	force := 0
	switch {
	case len(rest) == 1 && (action == "up" || action == "version"):
	case len(rest) == 2 && action == "force":
		n, err := strconv.Atoi(rest[1])
		if err != nil || n < -1 {
			return usageError("force needs the number of a migration, not %q", rest[1])
		}
		force = n
	default:
		return usageError("the action must be up, version or force N, see openauthctl migrate --help")
	}

	m, err := migrator.Open(migrations(), *database, stderr)
	if err != nil {
		return err
	}
	defer m.Close()
	switch action {
	case "up":
		if err := m.Up(); err != nil {
			return err
		}
		version, _, err := m.Version()
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "the schema is at version %d\n", version)
	case "version":
		version, dirty, err := m.Version()
		if err != nil {
			return err
		}
		if dirty {
			fmt.Fprintf(stdout, "%d (dirty)\n", version)
		} else {
			fmt.Fprintln(stdout, version)
		}
	case "force":
		return m.Force(force)
	}
	return nil
}

func runBootstrap(ctx context.Context, args []string, stdout io.Writer) error {
	var o bootstrap.Options
	flags := flag.NewFlagSet("bootstrap", flag.ContinueOnError)
	database := flags.String("database", "", "URL of the database, such as postgres://user:password@host:5432/name (required)")
	flags.StringVar(&o.KMSEndpoint, "kms-endpoint", "", "URL of a KMS other than the one of AWS; this sample only records it and never calls it")
	flags.StringVar(&o.SessionKMSKeyID, "session-kms-key-id", "", "id of the KMS key for session signing keys, the same as API_SESSION_KMS_KEY_ID; this sample only records it (required)")
	flags.StringVar(&o.RootUserEmail, "root-user-email", "", "e-mail address of the owner of the project (required)")
	flags.StringVar(&o.ConsoleDomain, "console-domain", "", "host name of the console, the same as API_CONSOLE_DOMAIN (required)")
	flags.StringVar(&o.VaultDomain, "vault-domain", "", "host name of the project's vault, a subdomain of the console domain (required)")
	if err := parse(flags, bootstrapUsage, args, stdout); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usageError("bootstrap takes no argument %q", flags.Arg(0))
	}
	if *database == "" {
		return usageError("--database is required")
	}
	if err := o.Validate(); err != nil {
		return usageError("%v", err)
	}

	latest, err := migrator.Latest(migrations())
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, *database)
	if err != nil {
		return err
	}
	defer db.Close()
	r, err := bootstrap.Run(ctx, db, o, latest)
	if errors.Is(err, store.ErrNotMigrated) {
		return fmt.Errorf("%w (openauthctl migrate --database URL up)", err)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\t%s\t%s\n", r.ProjectID, r.Email, r.Password)
	return err
}
