package receipts.smack;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * Keeps everything in a file: a line with a checksum for each change, safe on the disk (fsync) when {@link #write} returns. A
 * line that a crash left torn is passed over. One file is for one process and one account.
 */
public final class FileStore implements Store {
    /** Lines beyond what is needed, before the file is written anew. */
    private static final int SLACK = 1000;

    private final Path file;
    private final Runnable step;
    private final Map<String, String> entries = new LinkedHashMap<>();
    private FileChannel channel;
    private int lines;

    /** @param file its folder is made if need be */
    public FileStore(File file) {
        this(file, () -> {});
    }

    /** @param step is called between any two changes of the disk: a test ends the process there */
    FileStore(File file, Runnable step) {
        this.file = file.getAbsoluteFile().toPath();
        this.step = step;
    }

    @Override
    public Map<String, String> load() throws IOException {
        Files.createDirectories(file.getParent());
        Map<String, String> torn = new LinkedHashMap<>();
        if (Files.exists(file)) read(new String(Files.readAllBytes(file), StandardCharsets.UTF_8), torn);
        rewrite();
        Map<String, String> all = new LinkedHashMap<>(entries);
        all.putAll(torn);
        return all;
    }

    @Override
    public void write(Map<String, String> changes) throws IOException {
        if (channel == null) throw new IOException("The store " + file + " is not open");
        StringBuilder text = new StringBuilder();
        changes.forEach((key, value) -> text.append(line(key, value)));
        long size = channel.size();
        try {
            append(channel, text);
        } catch (IOException error) {
            // Half a line would spoil the next one.
            channel.truncate(size);
            throw error;
        }
        MemoryStore.apply(changes, entries);
        lines += changes.size();
        if (lines <= 2 * entries.size() + SLACK) return;
        try {
            rewrite();
        } catch (IOException ignored) {
            // The changes are safe in the longer file. It is tried again at the next write.
        }
    }

    @Override
    public void close() throws IOException {
        if (channel != null) channel.close();
        channel = null;
    }

    private void read(String text, Map<String, String> torn) {
        int number = 0;
        for (String line : text.split("\n")) {
            number += 1;
            if (line.isEmpty()) continue;
            int space = line.indexOf(' ');
            String said = line.substring(space + 1);
            if (space < 0 || !line.substring(0, space).equals(checksum(said))) {
                torn.put("line " + number, null);
                continue;
            }
            int tab = said.indexOf('\t');
            if (tab < 0) entries.remove(unescape(said));
            else entries.put(unescape(said.substring(0, tab)), unescape(said.substring(tab + 1)));
        }
    }

    private void append(FileChannel to, CharSequence text) throws IOException {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
        step.run();
        while (bytes.hasRemaining()) to.write(bytes);
        step.run();
        to.force(false);
        step.run();
    }

    /** Writes what counts to another file and puts it in this one's place, so that a crash leaves the one or the other. */
    private void rewrite() throws IOException {
        Path other = file.resolveSibling(file.getFileName() + ".new");
        StringBuilder text = new StringBuilder();
        entries.forEach((key, value) -> text.append(line(key, value)));
        Files.deleteIfExists(other);
        step.run();
        Files.createFile(other, onlyForUs());
        FileChannel written = FileChannel.open(other, StandardOpenOption.WRITE, StandardOpenOption.APPEND);
        try {
            append(written, text);
            Files.move(other, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException error) {
            written.close();
            throw error;
        }
        close();
        channel = written;
        lines = entries.size();
        step.run();
        // A new name in a folder is safe when the folder is. Windows has no such thing, and needs none.
        try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException ignored) {
        }
        step.run();
    }

    /** Others of the machine have no business with what somebody writes to somebody. */
    private static FileAttribute<?>[] onlyForUs() {
        boolean posix = FileSystems.getDefault().supportedFileAttributeViews().contains("posix");
        if (!posix) return new FileAttribute<?>[0];
        return new FileAttribute<?>[] {
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        };
    }

    private static String line(String key, String value) {
        String said = value == null ? escape(key) : escape(key) + '\t' + escape(value);
        return checksum(said) + ' ' + said + '\n';
    }

    private static String checksum(String said) {
        CRC32 crc = new CRC32();
        byte[] bytes = said.getBytes(StandardCharsets.UTF_8);
        crc.update(bytes, 0, bytes.length);
        return Long.toHexString(crc.getValue());
    }

    private static String escape(String text) {
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t");
    }

    private static String unescape(String text) {
        StringBuilder plain = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                c = text.charAt(++i);
                c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
            }
            plain.append(c);
        }
        return plain.toString();
    }
}
