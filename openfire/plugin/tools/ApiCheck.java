import java.io.File;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Compares the classes that the plugin is compiled against with those of a real Openfire: arguments are the folder of our compiled
 * stubs and the folders that hold Openfire's jars or classes.
 */
public final class ApiCheck {
    /** What the plugin goes on without where it is missing, as in Openfire 4.2. */
    private static final String LATER = "getHasReceivedEndOfStream";
    private static final List<String> DIFFERENCES = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        Path stubs = Paths.get(arguments[0]);
        List<URL> real = new ArrayList<>();
        for (String folder : Arrays.asList(arguments).subList(1, arguments.length)) {
            File[] files = new File(folder).listFiles();
            if (files == null) continue;
            real.add(new File(folder).toURI().toURL());
            for (File file : files) if (file.getName().endsWith(".jar")) real.add(file.toURI().toURL());
        }
        ClassLoader platform = ClassLoader.getSystemClassLoader().getParent();
        ClassLoader ours = new URLClassLoader(new URL[] {stubs.toUri().toURL()}, platform);
        ClassLoader theirs = new URLClassLoader(real.toArray(new URL[0]), platform);
        List<String> names;
        try (Stream<Path> files = Files.walk(stubs)) {
            names = files.map(stubs::relativize).map(Path::toString).filter(name -> name.endsWith(".class"))
                .map(name -> name.substring(0, name.length() - 6).replace(File.separatorChar, '.')).sorted().collect(Collectors.toList());
        }
        boolean isNetty = isThere("io.netty.channel.ChannelPipeline", theirs);
        if (!isNetty) names.removeIf(ApiCheck::isOfConnections);
        for (String name : names) compare(Class.forName(name, false, ours), theirs);
        if (!isNetty) System.out.println("Before Openfire 4.8, connections are of another kind, and not watched");
        DIFFERENCES.forEach(System.err::println);
        System.out.println(names.size() + " classes compared, " + DIFFERENCES.size() + " differences");
        System.exit(DIFFERENCES.isEmpty() ? 0 : 1);
    }

    private static boolean isThere(String name, ClassLoader loader) {
        try {
            Class.forName(name, false, loader);
            return true;
        } catch (ClassNotFoundException missing) {
            return false;
        }
    }

    /** The plugin goes on without these. */
    private static boolean isOfConnections(String name) {
        return name.startsWith("io.netty.") || name.startsWith("org.jivesoftware.openfire.nio.") || name.startsWith("org.jivesoftware.openfire.spi.");
    }

    private static void compare(Class<?> stub, ClassLoader theirs) {
        Class<?> real;
        try {
            real = Class.forName(stub.getName(), false, theirs);
        } catch (ClassNotFoundException | LinkageError missing) {
            DIFFERENCES.add(stub.getName() + " is missing");
            return;
        }
        if (stub.isInterface() != real.isInterface()) DIFFERENCES.add(stub.getName() + " is a class here and an interface there, or the other way round");
        for (Constructor<?> one : stub.getDeclaredConstructors()) if (!Modifier.isPrivate(one.getModifiers()) && isOurs(one)) find(stub, one, all(real));
        for (Method one : stub.getDeclaredMethods()) if (!one.isSynthetic() && !stub.isEnum()) find(stub, one, all(real));
        for (Field one : stub.getDeclaredFields()) if (Modifier.isPublic(one.getModifiers())) findField(stub, one, real);
    }

    /** A constructor without parameters stands there for the compiler's sake. */
    private static boolean isOurs(Constructor<?> one) {
        return one.getParameterCount() > 0 && !one.getDeclaringClass().isEnum();
    }

    private static List<Executable> all(Class<?> real) {
        List<Executable> all = new ArrayList<>(Arrays.asList(real.getDeclaredConstructors()));
        for (Class<?> one = real; one != null; one = one.getSuperclass()) all.addAll(Arrays.asList(one.getDeclaredMethods()));
        all.addAll(Arrays.asList(real.getMethods()));
        return all;
    }

    private static void find(Class<?> stub, Executable wanted, List<Executable> all) {
        String shape = shape(wanted);
        for (Executable one : all) if (shape.equals(shape(one))) return;
        if (isOtherForm(wanted, all) || wanted.getName().equals(LATER)) return;
        DIFFERENCES.add(stub.getName() + ": " + shape + " is missing");
    }

    /** The plugin has both forms of this one, and Openfire 4.2 calls the other. */
    private static boolean isOtherForm(Executable wanted, List<Executable> all) {
        if (!wanted.getName().equals("messageStored")) return false;
        for (Executable one : all) if (shape(one).equals("void messageStored(org.xmpp.packet.Message)")) return true;
        return false;
    }

    private static String shape(Executable one) {
        String type = one instanceof Method ? ((Method) one).getReturnType().getName() + " " + one.getName() : "constructor";
        String isStatic = Modifier.isStatic(one.getModifiers()) ? "static " : "";
        return isStatic + type + Arrays.stream(one.getParameterTypes()).map(Class::getName).collect(Collectors.joining(", ", "(", ")"));
    }

    private static void findField(Class<?> stub, Field wanted, Class<?> real) {
        try {
            Field found = real.getField(wanted.getName());
            if (found.getType().getName().equals(wanted.getType().getName())) return;
        } catch (NoSuchFieldException missing) {
            // Said below.
        }
        DIFFERENCES.add(stub.getName() + ": the field " + wanted.getName() + " is missing");
    }
}
