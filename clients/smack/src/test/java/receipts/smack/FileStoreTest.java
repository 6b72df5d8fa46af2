package receipts.smack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStoreTest {
    @TempDir
    Path folder;
    private File file;

    @BeforeEach
    void name() {
        file = folder.resolve("a folder/store").toFile();
    }

    /** Stands for the end of the process. */
    private static final class Killed extends Error {
        private static final long serialVersionUID = 1;
    }

    private Map<String, String> reopened() throws IOException {
        FileStore store = new FileStore(file);
        Map<String, String> entries = store.load();
        store.close();
        return entries;
    }

    private static Map<String, String> change(String key, String value) {
        return Collections.singletonMap(key, value);
    }

    @Test
    void anotherRunFindsWhatWasWritten() throws IOException {
        FileStore store = new FileStore(file);
        assertEquals(Collections.emptyMap(), store.load());
        store.write(change("a", "1"));
        store.write(change("b\t\n\\n", "zwei\n\t\\t\\ 👋 \u001f"));
        store.write(change("c", ""));
        store.write(change("a", null));
        store.close();
        Map<String, String> expected = new LinkedHashMap<>();
        expected.put("b\t\n\\n", "zwei\n\t\\t\\ 👋 \u001f");
        expected.put("c", "");
        assertEquals(expected, reopened());
    }

    @Test
    void aFileThatEndsAnywhereHasWhatWasWrittenBefore() throws IOException {
        FileStore store = new FileStore(file);
        store.load();
        for (int i = 0; i < 5; i++) store.write(change("key " + i, "ü " + i));
        store.close();
        byte[] all = Files.readAllBytes(file.toPath());
        for (int length = 0; length <= all.length; length++) {
            Files.write(file.toPath(), Arrays.copyOf(all, length));
            int lines = 0;
            for (int i = 0; i < length; i++) if (all[i] == '\n') lines += 1;
            Map<String, String> read = reopened();
            read.values().removeIf(value -> value == null);
            // The last line needs no end to be whole.
            int whole = length < all.length && all[length] == '\n' ? lines + 1 : lines;
            assertEquals(whole, read.size(), "of " + length + " bytes");
            for (int i = 0; i < whole; i++) assertEquals("ü " + i, read.get("key " + i));
        }
    }

    @Test
    void aLineThatIsDamagedIsReportedAndTheOthersCount() throws IOException {
        FileStore store = new FileStore(file);
        store.load();
        for (String key : new String[] {"a", "b", "c"}) store.write(change(key, "value of " + key));
        store.close();
        String text = new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8);
        Files.write(file.toPath(), text.replace("value of b", "value of x").getBytes(StandardCharsets.UTF_8));
        Map<String, String> expected = new LinkedHashMap<>();
        expected.put("a", "value of a");
        expected.put("c", "value of c");
        expected.put("line 2", null);
        assertEquals(expected, reopened());
        expected.remove("line 2");
        assertEquals(expected, reopened());
    }

    /** Changes enough for the file to be written anew now and then. */
    private static Map<String, String> changes(int number) {
        Map<String, String> changes = new LinkedHashMap<>();
        changes.put("key " + number % 3, number % 4 == 3 ? null : "written " + number);
        for (int n = 0; n < 700; n++) changes.put("other " + n, number % 2 == 0 ? "there " + number : null);
        return changes;
    }

    @Test
    void killedAtAnyStepItHasAllThatWasSafe() throws IOException {
        boolean killed = true;
        int step = 0;
        for (; killed; step++) {
            Files.deleteIfExists(file.toPath());
            int[] left = {step};
            FileStore store = new FileStore(file, () -> {
                if (left[0]-- == 0) throw new Killed();
            });
            Map<String, String> safe = new LinkedHashMap<>();
            Map<String, String> perhaps = new LinkedHashMap<>();
            killed = false;
            try {
                store.load();
                for (int i = 0; i < 6; i++) {
                    perhaps = new LinkedHashMap<>(safe);
                    MemoryStore.apply(changes(i), perhaps);
                    store.write(changes(i));
                    safe = perhaps;
                }
            } catch (Killed end) {
                killed = true;
            }
            store.close();
            Map<String, String> read = reopened();
            assertTrue(read.equals(safe) || read.equals(perhaps), "step " + step);
        }
        // Each write has three, and each time that the file is written anew has six.
        assertTrue(step > 6 * 3 + 2 * 6, step + " steps");
    }
}
